"""Whisper through transformers: transcripts, translations, word times, and scores of given words.

A clip of up to one window (30 s) is padded to it, so clips share a batch without touching each
other. A longer clip is never cut: it is written window after window, each beginning where the last
one said that its words ended (the library's sequential decoding; Radford et al. 2022, section 3.8),
one clip at a time. The encoder reads each window once, also to find out the language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import torch
from transformers import LogitsProcessorList
from transformers.modeling_outputs import BaseModelOutput

from evalsuite import (
    Audio,
    ContinuationScore,
    DifferentiableView,
    Failure,
    LogLikelihood,
    ModelError,
    Request,
    TimedWord,
    Transcribe,
    Transcript,
)
from evalsuite.content import Content
from evalsuite_audio.models.seq2seq_transcriber import Seq2SeqTranscriber
from evalsuite_audio.models.whisper_alone import write_alone
from evalsuite_audio.models.whisper_features import WhisperFeatures
from evalsuite_audio.models.whisper_gradients import words_view
from evalsuite_audio.models.whisper_options import Options
from evalsuite_audio.models.whisper_scores import all_scores, batches_by_clip
from evalsuite_audio.models.whisper_settings import ENGLISH, set_neutral, speech_of
from evalsuite_audio.models.whisper_suppression import Suppression
from evalsuite_audio.models.whisper_words import WITHOUT_SPACES, spoken, timed_words, words_of

# Windows encoded and written at once on a CPU; more only wait for the longest answer.
CPU_WINDOWS = 8
# From 0 to 30 s in steps of 20 ms.
TIME_TOKENS = 1501

_Item = TypeVar("_Item")


class WhisperTranscriber(Seq2SeqTranscriber):
    """A WhisperForConditionalGeneration."""

    options_class = Options
    methods = frozenset({"transcribe", "loglikelihood", "differentiate"})

    def set_up(self, reference: str, module: Any) -> Mapping[str, str]:
        """Also read the special tokens."""
        self.features = WhisperFeatures(self.extractor, module.device)
        self.window = self.features.window
        try:
            self.speech = speech_of(module, self.tokenizer)
        except KeyError as error:
            raise ModelError(
                f"The tokenizer of model {reference!r} has no token {error}: it is not Whisper's."
            ) from error
        set_aside = set_neutral(module, self.speech, self.options.num_beams)
        self.suppression = Suppression.of(module)
        self.default_language = self._default_language(reference)
        self.max_length = int(module.config.max_target_positions)
        return {
            "languages": str(len(self.speech.languages) or "English only"),
            "language where none is asked for": self._told_language(),
            "long clips": f"windows of {self.window / self.sample_rate_hz:g} s, one after another",
            "longest transcript of a window": f"{self.max_length} tokens",
            **self.options.details,
            **({"generation settings set aside": set_aside} if set_aside else {}),
        }

    def _default_language(self, reference: str) -> str | None:
        """The language of requests that name none: asked for, or the checkpoint's own."""
        named = self.options.language or self.speech.own_language
        if not named or not self.speech.languages:
            return None
        code = self.speech.code(named.strip("<|>"))
        if code is None:
            raise ModelError(
                f"Model {reference!r} does not know the language {named!r}; it knows "
                f"{', '.join(sorted(self.speech.languages))}."
            )
        return code

    def _told_language(self) -> str:
        if not self.speech.languages:
            return "English"
        return self.default_language or "the one that the model hears"

    def cost(self, request: Request) -> int:
        """Encoder positions of whole windows; and a second's worth, so that like lengths meet."""
        clip = next((part for part in request.parts if isinstance(part, Audio)), None)
        if clip is None:
            return 1
        n_samples = clip.n_samples(self.sample_rate_hz)
        n_positions = -(-n_samples // self.window) * int(self.module.config.max_source_positions)
        return n_positions + n_samples // self.sample_rate_hz

    def batches(
        self, requests: Sequence[Request], budget: int
    ) -> Iterator[Sequence[Request]] | None:
        """Texts to score by clip; the harness batches clips to be written."""
        if isinstance(requests[0], LogLikelihood):
            return batches_by_clip(self, requests, budget)
        return None

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts, empty ones included; what a request asks for and cannot have is a failure.

        Word times come from the cross-attention; asking for them changes no word.
        """
        answers: dict[int, Transcript | Failure] = {}
        clips = [request.audio.load(self.sample_rate_hz)[0] for request in requests]
        for index, request in enumerate(requests):
            refused = self._refusal(request, len(clips[index]))
            if refused is not None:
                answers[index] = refused
        left = [index for index in range(len(requests)) if index not in answers]
        alone = [i for i in left if self.options.is_guarded or len(clips[i]) > self.window]
        for index in alone:
            answers[index] = write_alone(self, requests[index], clips[index])
        # Short clips have short transcripts: together, they wait for each other least.
        left = sorted(set(left) - set(alone), key=lambda index: -len(clips[index]))
        for task in ("transcribe", "translate"):
            those = [index for index in left if requests[index].task == task]
            for group in self.groups(those):
                found = self._written([requests[i] for i in group], [clips[i] for i in group])
                answers.update(zip(group, found, strict=True))
        return [answers[index] for index in range(len(requests))]

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | clip and text), in nats, without the end token.

        The text is taken as a transcript: it begins with one space, as Whisper's do. No token is
        suppressed.
        """
        return all_scores(self, requests)

    def differentiable_view(
        self, content: Content, target: str, *, medium: str = "audio", grid: tuple[int, int]
    ) -> DifferentiableView:
        """The log-mel of a clip; the output is the log-probability of the target's words."""
        return words_view(self, content, target, medium, grid)

    # --------------------------------------------------------------------------------------------
    # One window
    # --------------------------------------------------------------------------------------------

    def _refusal(self, request: Transcribe, n_samples: int) -> Failure | None:
        refused = self._refused_language(request)
        if refused is None and n_samples < self.extractor.n_fft:
            refused = Failure("too short", f"{n_samples} samples make no window of the spectrogram")
        if refused is None and request.word_times and not self.speech.alignment_heads:
            told = "the checkpoint does not say which attention heads follow the sound"
            refused = Failure("no word times", f"{told} (alignment_heads)")
        return refused

    def _refused_language(self, request: Transcribe) -> Failure | None:
        if request.task == "translate" and not self.speech.languages:
            return Failure("no translation", "this model knows English only")
        if request.language and self.speech.code(request.language) is None:
            known = ", ".join(sorted(self.speech.languages or ENGLISH))
            return Failure("other language", f"{request.language!r} is not among: {known}")
        return None

    def groups(self, items: Sequence[_Item]) -> Iterator[list[_Item]]:
        """What is encoded or written at once, in parts of like size."""
        most = CPU_WINDOWS if self.device.type == "cpu" else max(1, len(items))
        n_groups = max(1, -(-len(items) // most))
        size = max(1, -(-len(items) // n_groups))  # ten windows are five and five
        for begin in range(0, len(items), size):
            yield list(items[begin : begin + size])

    def encoded(self, waveforms: Sequence[Any]) -> torch.Tensor:
        """Encoder states of clips of at most one window [clips, positions, width]."""
        return self.states_of(self.features.windows(waveforms))

    def states_of(self, features: torch.Tensor) -> torch.Tensor:
        """Encoder states of spectrograms of one window [clips, mel bands, frames]."""
        with torch.inference_mode():
            encoder = self.module.get_encoder()
            states: torch.Tensor = encoder(features.to(self.device, self.dtype)).last_hidden_state
        return states

    def languages_of(self, asked: Sequence[str | None], states: torch.Tensor) -> list[str | None]:
        """The language of each clip: asked for, by default, or the likeliest to the model."""
        if not self.speech.languages:
            return [None] * len(asked)
        found = [self.speech.code(code) if code else self.default_language for code in asked]
        open_ones = [index for index, code in enumerate(found) if code is None]
        if open_ones:
            start = torch.full((len(open_ones), 1), self.speech.start, device=self.device)
            with torch.inference_mode():
                logits = self.module(
                    encoder_outputs=BaseModelOutput(last_hidden_state=states[open_ones]),
                    decoder_input_ids=start,
                    use_cache=False,
                ).logits[:, -1]
            codes = list(self.speech.languages)
            best = logits[:, list(self.speech.languages.values())].argmax(-1).tolist()
            for index, place in zip(open_ones, best, strict=True):
                found[index] = codes[place]
        return found

    def _written(self, requests: Sequence[Transcribe], clips: Sequence[Any]) -> list[Transcript]:
        """Transcripts of clips of at most one window, all of one task."""
        states = self.encoded(clips)
        languages = self.languages_of([request.language for request in requests], states)
        told: dict[str, Any] = {}
        if self.speech.languages:
            told = {"language": [f"<|{code}|>" for code in languages], "task": requests[0].task}
        with torch.inference_mode():
            rows = self.module.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=states),
                return_timestamps=False,
                # A stray time token would make the library write the rest of the window again.
                force_unique_generate_call=True,
                suppress_tokens=None,
                begin_suppress_tokens=None,
                logits_processor=LogitsProcessorList([self.suppression]),
                **told,
            )
        answers = []
        for index, (request, row) in enumerate(zip(requests, rows.tolist(), strict=True)):
            tokens = self.words_only(row)
            words: Sequence[TimedWord] = ()
            if request.word_times and tokens:
                seconds = len(clips[index]) / self.sample_rate_hz
                opening = self.speech.opening(languages[index], request.task)
                words = self.timed(states[index : index + 1], opening, tokens, 0.0, seconds)
            answers.append(Transcript(self.text_of(tokens), tuple(words)))
        return answers

    def words_only(self, row: Sequence[int]) -> list[int]:
        """Tokens without special ones and times."""
        special = set(self.tokenizer.all_special_ids)
        plain = self.speech.plain  # the tokens of times come right after it
        return [t for t in row if t not in special and not plain < t <= plain + TIME_TOKENS]

    def text_of(self, tokens: Sequence[int]) -> str:
        """Tokens as text, without the space that every transcript begins with."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()

    def timed(
        self,
        states: torch.Tensor,
        opening: Sequence[int],
        tokens: Sequence[int],
        start_s: float,
        end_s: float,
    ) -> list[TimedWord]:
        """Words of one stretch of sound, ``start_s`` to ``end_s`` of its clip."""
        n_frames = round((end_s - start_s) * self.sample_rate_hz) // self.extractor.hop_length
        tokens = list(tokens)[: self.max_length - len(opening)]
        heads = self.speech.alignment_heads
        n_positions = n_frames // 2
        found = spoken(self.module, states, opening, tokens, heads, n_positions, self.suppression)
        code = next((c for c, token in self.speech.languages.items() if token in opening), "en")
        words = words_of(self.tokenizer, tokens, code not in WITHOUT_SPACES)
        return timed_words(words, found, start_s, end_s, self.options.word_confidence)
