"""Clips to make harder, and what is heard of them afterwards."""

from __future__ import annotations

import numpy as np

from evalsuite import Audio, Sample
from evalsuite.factories import make_variant
from evalsuite.registry import installed

RATE = 16_000
ON_FILES = ("audio/noise-files", "audio/impulse-responses")


def voice(seed: int, seconds: float = 1.0, rate: int = RATE) -> Audio:
    """Bursts of a drawn pitch with harmonics: something a codec, a room or a vocoder can spoil."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = rng.uniform(100, 250)
    tone = sum(np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, 9))
    burst = np.sin(2 * np.pi * 3 * time) > -0.5
    return Audio.from_array((0.1 * tone * burst).astype(np.float32), rate)


def sample(clip: Audio, name: str = "0") -> Sample:
    """One clip with words beside it."""
    return Sample(name, {"audio": clip, "text": "words"})


SAMPLES = [sample(voice(seed), str(seed)) for seed in range(8)]


def variant(name: str, folder=None, **options):
    """A registered variant; one that needs files finds them in ``folder``."""
    if name in ON_FILES:
        options["path"] = str(folder)
    return make_variant({"variant": name, **options}, installed())


def heard(changed, clip: Audio = SAMPLES[0]["audio"], *others: Sample) -> np.ndarray:
    """The waveform after a change, in float64."""
    (after, *_) = changed.samples([sample(clip), *others], 0)
    return after["audio"].load()[0].astype(float)


def waveform_of(clip: Audio) -> np.ndarray:
    """In float64."""
    return clip.load()[0].astype(float)


def ratio_db(clip: Audio, noisy: np.ndarray) -> float:
    """Power of the clip over that of what was added, in decibels."""
    before = waveform_of(clip)
    return 10 * np.log10((before**2).mean() / ((noisy - before) ** 2).mean())


def lag(before: np.ndarray, after: np.ndarray) -> int:
    """By how many samples the second is later, from the peak of their cross-correlation."""
    size = 2 ** int(np.ceil(np.log2(len(before) + len(after))))
    spectrum = np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)))
    return place if place < size // 2 else place - size
