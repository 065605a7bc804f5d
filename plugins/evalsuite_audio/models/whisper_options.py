"""The model options of Whisper: how it writes, and its guards against made-up words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalsuite import UsageError
from evalsuite_audio.models.whisper_words import CONFIDENCES, Confidence
from evalsuite_transformers.checkpoint import Checkpoint

# Radford et al. 2022, section 4.5.
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_GUARDS = ("compression_ratio_threshold", "logprob_threshold", "no_speech_threshold")


@dataclass(frozen=True)
class Options:
    """How transcripts are written. Everything is off unless it is set.

    Args:
        language: The language of clips whose request names none (``de``, ``german``); else the
            checkpoint's own, else the one that the model hears.
        num_beams: Beams; 1 is greedy search.
        temperature_fallback: Sample again at rising temperatures what a threshold turns away, with
            random numbers drawn from the clip's hash.
        compression_ratio_threshold: Turn away a window whose tokens compress better than this
            (2.4 in the paper): it repeats itself.
        logprob_threshold: Turn away a window whose mean log-probability is lower (-1.0).
        no_speech_threshold: Write nothing for a window whose no-speech probability is higher
            (0.6), if it is turned away by ``logprob_threshold`` as well.
        condition_on_previous: Show the decoder what it wrote for the window before.
        word_confidence: How sure the model is of a timed word, from the probabilities of its
            tokens: their ``mean`` (as OpenAI's own code has it), ``min`` or ``product``.
    """

    language: str = ""
    num_beams: int = 1
    temperature_fallback: bool = False
    compression_ratio_threshold: float | None = None
    logprob_threshold: float | None = None
    no_speech_threshold: float | None = None
    condition_on_previous: bool = False
    word_confidence: Confidence = "mean"

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in ("temperature_fallback", "condition_on_previous"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise UsageError(f"Model option {name} must be true or false (got {value!r}).")
        beams = self.num_beams
        if not isinstance(beams, int) or isinstance(beams, bool) or beams < 1:
            raise UsageError(f"Model option num_beams must be an integer from 1 (got {beams!r}).")
        if self.word_confidence not in CONFIDENCES:
            known = ", ".join(CONFIDENCES)
            raise UsageError(
                f"Model option word_confidence must be one of {known} "
                f"(got {self.word_confidence!r})."
            )
        if not isinstance(self.language, str):
            raise UsageError(f"Model option language must be a code (got {self.language!r}).")
        for name in _GUARDS:
            value = getattr(self, name)
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int | float)
            ):
                raise UsageError(f"Model option {name} must be a number (got {value!r}).")
        thresholds = (self.compression_ratio_threshold, self.logprob_threshold)
        if self.temperature_fallback and thresholds == (None, None):
            raise UsageError(
                "Model option temperature_fallback needs compression_ratio_threshold or "
                "logprob_threshold: they say what is written again."
            )
        if self.no_speech_threshold is not None and self.logprob_threshold is None:
            raise UsageError(
                "Model option no_speech_threshold needs logprob_threshold: silence is what is "
                "both improbable as speech and probable as no speech."
            )

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        return checkpoint.options_of(cls)

    @property
    def is_guarded(self) -> bool:
        """Whether one clip is written in several tries, or window after window with a memory."""
        return self.condition_on_previous or any(
            getattr(self, name) is not None for name in _GUARDS
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """What the library's ``generate`` is told about guards."""
        told: dict[str, Any] = {
            name: getattr(self, name) for name in _GUARDS if getattr(self, name) is not None
        }
        told["condition_on_prev_tokens"] = self.condition_on_previous
        told["temperature"] = TEMPERATURES if self.temperature_fallback else 0.0
        return told

    @property
    def details(self) -> dict[str, str]:
        """For a report."""
        guards = [f"{name}={getattr(self, name)}" for name in _GUARDS if getattr(self, name)]
        if self.condition_on_previous:
            guards.append("conditioned on the window before")
        tried = ", ".join(map(str, TEMPERATURES))
        return {
            "decoding": f"{self.num_beams} beams" if self.num_beams > 1 else "greedy",
            "guards against made-up words": ", ".join(guards) or "off",
            "temperature fallback": tried if self.temperature_fallback else "off",
        }
