"""What a Whisper checkpoint says about its special tokens, languages and tasks.

Older checkpoints lack some of it in their generation settings; the tokenizer has the rest. Their
other settings (beams, penalties, thresholds, forced tokens) are set aside: requests and options say
how a clip is written, so that two models are asked the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import GenerationConfig
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from evalsuite_audio.models.asked import primary

# The tokenizer of English-only checkpoints has this many tokens, one fewer than the other.
_ENGLISH_ONLY_VOCABULARY = 51_864
ENGLISH = ("en",)
_KEPT = (
    "alignment_heads",
    "begin_suppress_tokens",
    "max_initial_timestamp_index",
    "prev_sot_token_id",
    "suppress_tokens",
)
# They say nothing about how a clip is written, or are said by every request.
_NOT_MISSED = (
    *("bos_token_id", "decoder_start_token_id", "eos_token_id", "pad_token_id", "use_cache"),
    *("is_multilingual", "lang_to_id", "language", "max_length", "no_timestamps_token_id", "task"),
    *("task_to_id", "transformers_version", "_from_model_config", "return_timestamps"),
    *("forced_decoder_ids", *_KEPT),
)


@dataclass(frozen=True)
class Speech:
    """The special tokens of a checkpoint.

    Attributes:
        start: The token that begins every transcript.
        plain: The token that says that no times are written.
        languages: Token of each language code; empty for a model that writes English only.
        tasks: Token of each task.
        own_language: The language that the checkpoint was tuned for, or empty.
        alignment_heads: (layer, head) pairs whose attention follows the sound.
    """

    start: int
    plain: int
    languages: Mapping[str, int]
    tasks: Mapping[str, int]
    own_language: str
    alignment_heads: tuple[tuple[int, int], ...]

    def code(self, language: str) -> str | None:
        """The code of a language named by code or in English, or None where it is not known."""
        named = TO_LANGUAGE_CODE.get(language.lower(), primary(language))
        return named if named in (self.languages or ENGLISH) else None

    def opening(self, language: str | None, task: str) -> tuple[int, ...]:
        """What the decoder is given before the words."""
        if not self.languages or language is None:
            return (self.start, self.plain)
        return (self.start, self.languages[language], self.tasks[task], self.plain)


def speech_of(module: Any, tokenizer: Any) -> Speech:
    """Read the special tokens from the generation settings, and from the tokenizer what they lack.

    Raises:
        KeyError: The tokenizer has no token for a transcript without times.
    """
    own, vocabulary = module.generation_config, tokenizer.get_vocab()
    is_multilingual = getattr(own, "is_multilingual", None)
    if is_multilingual is None:
        is_multilingual = module.config.vocab_size != _ENGLISH_ONLY_VOCABULARY
    languages: dict[str, int] = {}
    if is_multilingual:
        known = getattr(own, "lang_to_id", None) or {
            token: vocabulary[token]
            for token in (f"<|{code}|>" for code in TO_LANGUAGE_CODE.values())
            if token in vocabulary
        }
        languages = {token.strip("<|>"): int(index) for token, index in known.items()}
    tasks = getattr(own, "task_to_id", None) or {
        task: vocabulary[f"<|{task}|>"]
        for task in ("transcribe", "translate")
        if f"<|{task}|>" in vocabulary
    }
    plain = getattr(own, "no_timestamps_token_id", None)
    return Speech(
        start=int(own.decoder_start_token_id or module.config.decoder_start_token_id),
        plain=int(plain if plain is not None else vocabulary["<|notimestamps|>"]),
        languages=languages,
        tasks=tasks,
        own_language=str(getattr(own, "language", None) or ""),
        alignment_heads=tuple(map(tuple, getattr(own, "alignment_heads", None) or ())),
    )


def set_neutral(module: Any, speech: Speech, num_beams: int) -> str:
    """Give a model settings with what it cannot do without; returns what was set aside."""
    own, config = module.generation_config, module.config
    settings = GenerationConfig(
        decoder_start_token_id=speech.start,
        bos_token_id=own.bos_token_id,
        eos_token_id=own.eos_token_id if own.eos_token_id is not None else config.eos_token_id,
        pad_token_id=own.pad_token_id if own.pad_token_id is not None else config.pad_token_id,
        max_length=config.max_target_positions,
        num_beams=num_beams,
        do_sample=False,
    )
    for name in _KEPT:
        if getattr(own, name, None) is not None:
            setattr(settings, name, getattr(own, name))
    settings.is_multilingual = bool(speech.languages)
    settings.no_timestamps_token_id = speech.plain
    if speech.languages:
        settings.lang_to_id = {f"<|{code}|>": i for code, i in speech.languages.items()}
        settings.task_to_id = dict(speech.tasks)
    settings._from_model_config = False
    module.generation_config = settings
    if getattr(config, "forced_decoder_ids", None) is not None:
        config.forced_decoder_ids = None
    changed = own.to_diff_dict()
    return ", ".join(sorted(f"{k}={v}" for k, v in changed.items() if k not in _NOT_MISSED))
