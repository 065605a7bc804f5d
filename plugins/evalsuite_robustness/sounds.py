"""Clips made harder: noise at a signal-to-noise ratio, clipping, a narrow band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.signal import butter, sosfiltfilt

from evalsuite import MediaError
from evalsuite.variant import MediaVariant


@dataclass(frozen=True)
class WhiteNoise(MediaVariant):
    """White noise over the clip's own band.

    Args:
        snr_db: Ratio of the clip's power to the noise's, in decibels.
    """

    snr_db: float = 10.0

    name: ClassVar[str] = "audio/white-noise"
    dial: ClassVar[str] = "snr_db"
    sweep: ClassVar[tuple[float, ...]] = (20, 15, 10, 5, 0, -5)
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "White noise added to clips; power is taken over the whole clip."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """X + noise; raises MediaError for a silent clip, which has no such ratio."""
        power = float(np.mean(np.asarray(waveform, dtype=float) ** 2))
        if power == 0:
            raise MediaError("the clip is silent, so no signal-to-noise ratio can be set")
        noise = rng.standard_normal(len(waveform))
        scale = np.sqrt(power / (np.mean(noise**2) * 10 ** (self.snr_db / 10)))
        return waveform + scale * noise


@dataclass(frozen=True)
class Clipping(MediaVariant):
    """An overdriven microphone.

    Args:
        share: Share of samples, the loudest, that are cut to one level.
    """

    share: float = 0.1

    name: ClassVar[str] = "audio/clipping"
    dial: ClassVar[str] = "share"
    sweep: ClassVar[tuple[float, ...]] = (0.01, 0.05, 0.1, 0.25, 0.5)
    about: ClassVar[str] = "The loudest share of samples cut to the level of the quietest of them."

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1 (got {self.share})")

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Cut at a quantile of |x|."""
        level = float(np.quantile(np.abs(waveform), 1 - self.share))
        return np.clip(waveform, -level, level)


@dataclass(frozen=True)
class BandLimit(MediaVariant):
    """A narrow line: nothing above a frequency.

    Args:
        cutoff_hz: Frequency at which half of the power is left (Butterworth of order 8, run
            forwards and backwards, so without delay).
    """

    cutoff_hz: float = 3400

    name: ClassVar[str] = "audio/band-limit"
    dial: ClassVar[str] = "cutoff_hz"
    sweep: ClassVar[tuple[float, ...]] = (6000, 3400, 2000, 1000)
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "Clips without their high frequencies; 3,400 Hz is a telephone's limit."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Low-pass; a clip whose own band is narrower stays as it is."""
        if self.cutoff_hz >= 0.49 * sample_rate_hz or len(waveform) < 64:
            return waveform
        filtered = butter(8, self.cutoff_hz, fs=sample_rate_hz, output="sos")
        return sosfiltfilt(filtered, waveform)
