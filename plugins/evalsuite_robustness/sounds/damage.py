"""What microphones and lines do to a clip: level, clipping, a narrow band, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.signal import butter, sosfiltfilt

from evalsuite.variant import MediaVariant


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1 (got {share})")


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
        _check_share(self.share)

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


@dataclass(frozen=True)
class Gain(MediaVariant):
    """A speaker far from the microphone, or too near.

    Args:
        gain_db: Change of level in decibels; what exceeds full scale is cut.
    """

    gain_db: float = -20.0

    name: ClassVar[str] = "audio/gain"
    dial: ClassVar[str] = "gain_db"
    sweep: ClassVar[tuple[float, ...]] = (-40, -20, 10, 20)
    about: ClassVar[str] = "Clips at another level, cut at full scale."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """X times 10^(gain / 20), between -1 and 1."""
        return np.clip(np.asarray(waveform) * 10 ** (self.gain_db / 20), -1, 1)


@dataclass(frozen=True)
class PacketLoss(MediaVariant):
    """A call over a bad line: packets that never came, heard as gaps.

    Args:
        share: Share of all packets that are lost; their number is rounded, their places are drawn.
        packet_s: Length of a packet in seconds.
    """

    share: float = 0.1
    packet_s: float = 0.02

    name: ClassVar[str] = "audio/packet-loss"
    dial: ClassVar[str] = "share"
    sweep: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2, 0.4)
    about: ClassVar[str] = "Clips with gaps where packets were lost; nothing conceals them."

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        _check_share(self.share)
        if self.packet_s <= 0:
            raise ValueError(f"packet_s must be above 0 (got {self.packet_s})")

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Zeros in the lost packets."""
        size = max(1, round(self.packet_s * sample_rate_hz))
        n_packets = -(-len(waveform) // size)
        lost = np.zeros(n_packets, dtype=bool)
        lost[rng.permutation(n_packets)[: round(self.share * n_packets)]] = True
        return np.where(np.repeat(lost, size)[: len(waveform)], 0.0, waveform)


@dataclass(frozen=True)
class Masking(MediaVariant):
    """One stretch of a clip silenced.

    Args:
        share: Share of the clip's length; the place is drawn.
    """

    share: float = 0.25

    name: ClassVar[str] = "audio/masking"
    dial: ClassVar[str] = "share"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.25, 0.5, 0.75)
    about: ClassVar[str] = "Clips of which one stretch is silent."

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        _check_share(self.share)

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Zeros in one stretch."""
        length = round(self.share * len(waveform))
        start = int(rng.integers(len(waveform) - length + 1))
        masked = np.array(waveform)
        masked[start : start + length] = 0
        return masked
