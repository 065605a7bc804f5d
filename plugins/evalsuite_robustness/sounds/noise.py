"""Noise that is drawn: white and pink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite.variant import MediaVariant
from evalsuite_robustness.sounds.mixing import Floats, at_ratio

SNR_DB = (20, 15, 10, 5, 0, -5)


@dataclass(frozen=True)
class _DrawnNoise(MediaVariant):
    """Base: stationary noise over the clip's own band, seeded by the clip."""

    snr_db: float = 10.0

    dial: ClassVar[str] = "snr_db"
    sweep: ClassVar[tuple[float, ...]] = SNR_DB
    harder: ClassVar[Any] = "lower"

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """X + noise; raises MediaError for a silent clip, which has no such ratio."""
        return at_ratio(waveform, self.noise(len(waveform), rng), self.snr_db)

    def noise(self, length: int, rng: np.random.Generator) -> Floats:
        """Noise of a length in samples, at any level."""
        raise TypeError(f"{type(self).__name__} does not implement noise()")


@dataclass(frozen=True)
class WhiteNoise(_DrawnNoise):
    """White noise: as much power in every hertz.

    Args:
        snr_db: Ratio of the clip's power to the noise's, in decibels, over the whole clip.
    """

    name: ClassVar[str] = "audio/white-noise"
    about: ClassVar[str] = "White noise added to clips; power is taken over the whole clip."

    def noise(self, length: int, rng: np.random.Generator) -> Floats:
        """Independent normal samples."""
        return rng.standard_normal(length)


@dataclass(frozen=True)
class PinkNoise(_DrawnNoise):
    """Pink noise: as much power in every octave, nearer to traffic and machines than white.

    Args:
        snr_db: Ratio of the clip's power to the noise's, in decibels, over the whole clip.
    """

    name: ClassVar[str] = "audio/pink-noise"
    about: ClassVar[str] = "Noise of power 1/f added to clips; power is taken over the whole clip."

    def noise(self, length: int, rng: np.random.Generator) -> Floats:
        """White noise whose spectrum is divided by the root of the frequency, without a mean."""
        spectrum = np.fft.rfft(rng.standard_normal(length))
        spectrum[0] = 0
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        return np.fft.irfft(spectrum, length)
