"""What a classifier may know of a sample that never asks a model about it."""

from __future__ import annotations

import math
import re
import string
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite import Audio, Image, Text

Floats = npt.NDArray[np.float64]

_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d|2100)(?!\d)")
_DATE = re.compile(
    r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?\s+\d{1,4}\b"
    r"|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}-\d{2}-\d{2}\b",
    re.IGNORECASE,
)
_DIGITS, _CAPITALS = string.digits.encode(), string.ascii_uppercase.encode()
_ASCII = bytes(range(128))
_BINS = 8
_BANDS_HZ = (250, 500, 1000, 2000, 4000, 8000)
_SOUND_RATE_HZ = 16_000


@dataclass(frozen=True, eq=False)
class Inputs:
    """One sample as the blind classifier sees it.

    Attributes:
        text: All its text.
        numbers: Lengths, dates and statistics of its pictures and clips, (facts,); samples of one
            make have equally many.
        key: Equal for samples that show the same; a copy must not give another away.
    """

    text: str
    numbers: Floats
    key: str


def inputs_of(*parts: str | Text | Image | Audio) -> Inputs:
    """The facts of a sample's texts, pictures and clips, in the order that they are shown."""
    texts = [p if isinstance(p, str) else p.text for p in parts if isinstance(p, str | Text)]
    text = "\n".join(texts)
    numbers = [_text_facts(text)]
    digests = []
    for part in parts:
        if isinstance(part, Image):
            numbers.append(_image_facts(part))
            digests.append(part.digest)
        elif isinstance(part, Audio):
            numbers.append(_audio_facts(part))
            digests.append(part.digest)
    return Inputs(text, np.concatenate(numbers), "\n".join([text, *digests]))


def _text_facts(text: str) -> Floats:
    """Lengths, the first and last year that is named, how many dates, digits and capitals."""
    # In UTF-8 the bytes of ASCII characters stand for nothing else.
    encoded = text.encode("utf-8", "surrogatepass")
    n = max(len(text), 1)
    n_digits = _n_among(encoded, _DIGITS)
    # Most texts have no digit and thus no date, and looking for one takes long; other scripts have
    # digits of their own.
    may_be_dated = n_digits > 0 or not text.isascii()
    years = [int(year) for year in _YEAR.findall(text)] if may_be_dated else []
    return np.array(
        [
            math.log1p(len(text)),
            math.log1p(len(text.split())),
            min(years, default=0),
            max(years, default=0),
            float(bool(years)),
            len(_DATE.findall(text)) if may_be_dated else 0,
            n_digits / n,
            _n_among(encoded, _CAPITALS) / n,
            (len(text) - _n_among(encoded, _ASCII)) / n,
        ],
        dtype=float,
    )


def _n_among(encoded: bytes, wanted: bytes) -> int:
    """How many bytes are among the wanted ones."""
    return len(encoded) - len(encoded.translate(None, wanted))


def _image_facts(image: Image) -> Floats:
    """Size, bytes for each pixel, and colours: mean, deviation and histogram of each channel."""
    pixels = np.asarray(image.load(), dtype=float) / 255
    height, width, channels = pixels.shape
    histograms = [
        np.histogram(pixels[..., c], bins=_BINS, range=(0, 1))[0] / (height * width)
        for c in range(channels)
    ]
    edges = np.abs(np.diff(pixels, axis=0)).mean() if height > 1 else 0.0
    return np.concatenate(
        [
            [np.log(height), np.log(width), len(image.encoded()) / (height * width), edges],
            pixels.mean((0, 1)),
            pixels.std((0, 1)),
            *histograms,
        ]
    )


def _audio_facts(audio: Audio) -> Floats:
    """Length, rate of the file, loudness, crossings of zero, and the share of each band."""
    waveform, _ = audio.load(_SOUND_RATE_HZ)
    samples = np.asarray(waveform, dtype=float)
    power = np.abs(np.fft.rfft(samples)) ** 2 if samples.size else np.zeros(1)
    frequencies_hz = np.fft.rfftfreq(max(samples.size, 1), 1 / _SOUND_RATE_HZ)
    bands = np.add.reduceat(
        power, np.minimum(np.searchsorted(frequencies_hz, (0, *_BANDS_HZ[:-1])), power.size - 1)
    )
    loudness = float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
    crossings = float(np.mean(np.diff(np.signbit(samples)))) if samples.size > 1 else 0.0
    peak = float(np.abs(samples).max(initial=0.0))
    return np.concatenate(
        [
            [np.log1p(samples.size), float(audio.header.sample_rate_hz)],
            [np.log(loudness + 1e-6), peak, crossings],
            np.log(bands / max(power.sum(), 1e-12) + 1e-6),
        ]
    )
