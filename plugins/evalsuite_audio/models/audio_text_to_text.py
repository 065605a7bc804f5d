"""Audio language models: text given clips of sound, scored and written.

How they are run is told in ``evalsuite_transformers.generative``. With the option
``transcribe_prompt`` they also write down speech, as an answer to that prompt.

Qwen2-Audio's processor brings a chat template for its base checkpoint as well, which has not
learned it: ``chat_template=false`` has it go on from the bare text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import AutoModelForMultimodalLM, AutoModelForSeq2SeqLM
from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIMODAL_LM_MAPPING

from evalsuite import (
    Audio,
    Failure,
    Generate,
    LoadSettings,
    ModelInfo,
    Request,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.content import Text
from evalsuite_transformers.generative.kind import GenerativeKind
from evalsuite_transformers.generative.model import GenerativeModel
from evalsuite_transformers.generative.options import Options

# Where the language of a request goes in a transcribe_prompt.
LANGUAGE = "{language}"
# Nobody speaks faster, in tokens; an answer that reaches this is one that does not end.
_TOKENS_PER_SECOND, _TOKENS_AT_LEAST = 16, 64


@dataclass(frozen=True)
class AudioOptions(Options):
    """The options of any generative model, and how to ask for a transcript.

    Args:
        transcribe_prompt: What is asked after a clip to have it written down; ``{language}`` in it
            stands for the language of a request. Without it the model does not transcribe.
    """

    transcribe_prompt: str = ""

    def __post_init__(self) -> None:
        """Refuse values of another type."""
        super().__post_init__()
        if not isinstance(self.transcribe_prompt, str):
            raise UsageError(
                f"Model option transcribe_prompt must be a text (got {self.transcribe_prompt!r})."
            )

    @property
    def further_methods(self) -> frozenset[str]:
        """Transcripts, where it is said how to ask for them."""
        return frozenset({"transcribe"} if self.transcribe_prompt else ())

    @property
    def in_fingerprint(self) -> tuple[object, ...]:
        """Those that change answers."""
        return *super().in_fingerprint, self.transcribe_prompt


KIND = GenerativeKind("audio language model", "audio", AudioOptions)


class Loader:
    """The loader behind ``hf/audio-text-to-text:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return KIND.describe(reference, settings)

    def load(self, reference: str, settings: LoadSettings) -> AudioTextToText:
        """Load weights and processor."""
        model: AudioTextToText = KIND.load(reference, settings, _auto_class, AudioTextToText)
        return model


def _auto_class(config: Any) -> Any:
    """The library lists some of these models among sequence-to-sequence ones."""
    if type(config) in MODEL_FOR_MULTIMODAL_LM_MAPPING:
        return AutoModelForMultimodalLM
    return AutoModelForSeq2SeqLM


class AudioTextToText(GenerativeModel):
    """An audio tower whose features stand among a language model's tokens."""

    def cost(self, request: Request) -> int:
        """Tokens, estimated, those that are to be written included."""
        new = self._room(request.audio) if isinstance(request, Transcribe) else 0
        return super().cost(request) + new

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """What the model writes after a clip and ``transcribe_prompt``, greedily."""
        answers: dict[int, Transcript | Failure] = {}
        asked: dict[int, Generate] = {}
        for index, request in enumerate(requests):
            prompt = self._prompt_of(request)
            if isinstance(prompt, Failure):
                answers[index] = prompt
            else:
                asked[index] = Generate((request.audio, Text(prompt)), self._room(request.audio))
        written = self.generate(list(asked.values()))
        for index, answer in zip(asked, written, strict=True):
            answers[index] = answer if isinstance(answer, Failure) else Transcript(answer.text)
        return [answers[index] for index in range(len(requests))]

    def _prompt_of(self, request: Transcribe) -> str | Failure:
        options: Any = self.writer.options
        if request.task != "transcribe":
            return Failure("other task", f"its transcribe_prompt does not ask to {request.task}")
        if LANGUAGE not in options.transcribe_prompt:
            return str(options.transcribe_prompt)
        if request.language is None:
            return Failure("no language", "its transcribe_prompt needs the language that is spoken")
        return str(options.transcribe_prompt).replace(LANGUAGE, request.language)

    def _room(self, clip: Audio) -> int:
        """How many tokens a transcript may have."""
        # By the clip's header: batches are made before clips are decoded.
        rate = self.info.sample_rate_hz or clip.header.sample_rate_hz
        return _TOKENS_AT_LEAST + int(_TOKENS_PER_SECOND * clip.n_samples(rate) / rate)
