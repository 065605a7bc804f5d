"""Clips faster, slower, higher and lower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from scipy.signal import resample_poly

from evalsuite import Sample
from evalsuite.variant import MediaVariant
from evalsuite.vocoder import pitched, stretched

VOCODER = "by a phase vocoder, which smears attacks and sounds hollow from about a factor of 1.5 on"


@dataclass(frozen=True)
class _Factor(MediaVariant):
    """Base: a factor of time; above 1 the clip is over sooner."""

    factor: float = 1.25

    dial: ClassVar[str] = "factor"
    sweep: ClassVar[tuple[float, ...]] = (0.6, 0.8, 1.25, 1.6)

    def __post_init__(self) -> None:
        """Refuse a factor that leaves nothing, or too much."""
        if not 0.1 <= self.factor <= 10:
            raise ValueError(f"factor must lie between 0.1 and 10 (got {self.factor})")

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The fields with other clips; words that are timed move with them."""
        fields = dict(super().changed(sample, samples, index, seed))
        if "word_times" in fields:
            fields["word_times"] = sooner(fields["word_times"], self.factor)
        return fields


@dataclass(frozen=True)
class Speed(_Factor):
    """Tempo and pitch together, as of a tape that runs too fast.

    Args:
        factor: 2 is twice as fast and an octave higher, in half of the time.
    """

    name: ClassVar[str] = "audio/speed"
    about: ClassVar[str] = "Clips played faster or slower, their pitch with them (Ko et al. 2015)."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Resample, without aliasing, and keep the sample rate's name."""
        ratio = Fraction(self.factor).limit_denominator(100)
        return resample_poly(waveform, ratio.denominator, ratio.numerator)


@dataclass(frozen=True)
class Tempo(_Factor):
    """Another tempo at the same pitch.

    Args:
        factor: 2 is twice as fast, in half of the time.
    """

    name: ClassVar[str] = "audio/tempo"
    about: ClassVar[str] = f"Clips faster or slower at the same pitch, {VOCODER}."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Stretch to round(samples / factor)."""
        length = max(1, round(len(waveform) / self.factor))
        return stretched(waveform, length, sample_rate_hz)


@dataclass(frozen=True)
class Pitch(MediaVariant):
    """Another pitch at the same tempo; formants move along, so voices change their size, too.

    Args:
        semitones: 12 is an octave up, -12 one down.
    """

    semitones: float = 3.0

    name: ClassVar[str] = "audio/pitch"
    dial: ClassVar[str] = "semitones"
    sweep: ClassVar[tuple[float, ...]] = (-6, -3, 3, 6)
    about: ClassVar[str] = f"Clips higher or lower at the same tempo, {VOCODER}."

    def __post_init__(self) -> None:
        """Refuse what is beyond hearing."""
        if abs(self.semitones) > 36:
            raise ValueError(f"semitones must lie between -36 and 36 (got {self.semitones})")

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Stretch by the ratio of frequencies, then play in the old time."""
        return pitched(waveform, self.semitones, sample_rate_hz)


def sooner(word_times: Any, factor: float) -> Any:
    """Rows of [word, start in seconds, end in seconds], each time divided by a factor.

    Rows of another form stay as they are: the probe that reads them says what is wrong with them.
    """
    try:
        return [[word, float(a) / factor, float(b) / factor] for word, a, b in word_times]
    except (TypeError, ValueError):
        return word_times
