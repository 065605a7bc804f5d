"""A clip as a small picture: time to the right, mel-spaced frequency upwards, level as colour."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

WIDTH_PX = 320
BANDS = 64
WINDOW_S = 0.032
RANGE_DB = 70.0
# Few enough levels that the picture stays small, more than an eye can tell at this size.
LEVELS = 48


def mel(hertz: Any) -> Any:
    """Frequency in mel, 2595 log10(1 + f / 700) (O'Shaughnessy 1987)."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def hertz(mels: Any) -> Any:
    """The inverse of :func:`mel`."""
    return 700 * (10 ** (np.asarray(mels) / 2595) - 1)


def mel_levels(waveform: npt.ArrayLike, sample_rate_hz: int) -> Floats:
    """Levels in decibels below the loudest cell, shape [64 bands from low to high, 320 moments].

    Hann windows of 32 ms, centred on moments that divide the clip evenly (twice as long as moments
    are apart where that is more, so that nothing is left out); triangular mel bands from 0 Hz to
    half of the sample rate. Range: -70 to 0; a silent clip is -70 everywhere.
    """
    sound = np.asarray(waveform, dtype=np.float64)
    window = max(16, round(WINDOW_S * sample_rate_hz))
    size = max(window, -(-2 * len(sound) // WIDTH_PX))
    # Padded fourfold: low bands are narrower than the distance of a plain transform's lines.
    n_fft = 2 ** int(np.ceil(np.log2(max(4 * window, size))))
    padded = np.pad(sound, size)
    middles = size + (np.arange(WIDTH_PX) + 0.5) * len(sound) / WIDTH_PX
    starts = np.round(middles - size / 2).astype(int)
    frames = padded[starts[:, None] + np.arange(size)] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, n_fft)) ** 2
    bands = power @ _filters(n_fft, sample_rate_hz).T
    top = bands.max()
    if top == 0:
        return np.full((BANDS, WIDTH_PX), -RANGE_DB)
    return np.asarray(np.maximum(10 * np.log10(np.maximum(bands / top, 1e-30)), -RANGE_DB).T)


@cache
def _filters(n_fft: int, sample_rate_hz: int) -> Floats:
    """Triangles of height 1, evenly spaced in mel, shape [bands, n_fft // 2 + 1]."""
    lines = np.fft.rfftfreq(n_fft, 1 / sample_rate_hz)
    edges = hertz(np.linspace(0, mel(sample_rate_hz / 2), BANDS + 2))
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (lines - left) / (middle - left), (right - lines) / (right - middle)
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None))


@cache
def _palette() -> bytes:
    """Dark to bright with evenly growing brightness, so that it also reads in grey and on paper.

    Cubehelix (Green 2011, Bulletin of the Astronomical Society of India 39), from black over wine
    red and blue to white.
    """
    fraction = np.linspace(0, 1, LEVELS)
    angle = 2 * np.pi * (1.1 / 3 - 0.75 * fraction)
    weights = np.array([[-0.14861, 1.78277], [-0.29227, -0.90649], [1.97294, 0.0]])
    turn = weights @ np.array([np.cos(angle), np.sin(angle)])
    colours = fraction + 1.1 * fraction * (1 - fraction) / 2 * turn
    return bytes(np.round(255 * np.clip(colours.T, 0, 1)).astype(np.uint8).ravel())


def spectrogram_png(waveform: npt.ArrayLike, sample_rate_hz: int) -> bytes:
    """The mel spectrogram as PNG, 320 x 64 pixels; the same waveform gives the same bytes."""
    from PIL import Image as pillow  # noqa: N813

    level = 1 + mel_levels(waveform, sample_rate_hz) / RANGE_DB
    indices = np.round(level * (LEVELS - 1)).astype(np.uint8)[::-1]
    picture = pillow.fromarray(np.ascontiguousarray(indices)).convert("P")
    picture.putpalette(_palette())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
