"""Two sounds at a ratio."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evalsuite import MediaError

Floats = npt.NDArray[np.float64]


def power(waveform: npt.ArrayLike) -> float:
    """Mean square over the whole waveform [samples]; 0 for an empty one."""
    values = np.asarray(waveform, dtype=np.float64)
    return float(np.mean(values**2)) if len(values) else 0.0


def at_ratio(waveform: npt.ArrayLike, noise: npt.ArrayLike, snr_db: float) -> Floats:
    """Waveform + noise, the noise scaled so that 10 log10(P_waveform / P_noise) is ``snr_db``.

    Args:
        waveform: The clip, shape [samples].
        noise: Of the same length, at any level.
        snr_db: Ratio in decibels, of powers over the whole clip.

    Raises:
        MediaError: The clip or the noise is silent, so there is no such ratio.
    """
    signal, added = power(waveform), power(noise)
    if signal == 0:
        raise MediaError("the clip is silent, so no signal-to-noise ratio can be set")
    if added == 0:
        raise MediaError("the noise is silent, so no signal-to-noise ratio can be set")
    scale = np.sqrt(signal / (added * 10 ** (snr_db / 10)))
    return np.asarray(waveform, dtype=np.float64) + scale * np.asarray(noise, dtype=np.float64)


# Recordings are often padded with silence, which is no noise to add.
TRIES = 20


def fitted(noise: npt.ArrayLike, length: int, rng: np.random.Generator) -> Floats:
    """A stretch of ``length`` samples from a drawn place; a shorter noise is looped.

    A stretch that turns out to be silent is drawn again, up to 20 times.
    """
    values = np.asarray(noise, dtype=np.float64)
    stretches = (_stretch(values, length, rng) for _ in range(TRIES))
    return next((s for s in stretches if power(s) > 0), np.zeros(length))


def _stretch(values: Floats, length: int, rng: np.random.Generator) -> Floats:
    if len(values) >= length:
        start = int(rng.integers(len(values) - length + 1))
        return values[start : start + length]
    places = int(rng.integers(len(values))) + np.arange(length)
    return np.asarray(values[places % len(values)])
