"""Ten kinds of synthesised sound of one second, and the words for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalsuite_controls.data.encoding import wav_bytes

SAMPLE_RATE_HZ = 16_000
N_SAMPLES = 16_000
LABELS = (
    "steady tone",
    "rising chirp",
    "falling chirp",
    "white noise",
    "pulsing tone",
    "wobbling tone",
    "rapid clicks",
    "buzzing",
    "bell",
    "low rumble",
)
TEMPLATES = ("this is a sound of {}", "the sound of {}", "{}")
PITCH_HZ = {"low": (150.0, 400.0), "high": (1200.0, 3000.0)}
# A beep at the end of a clip, which can stand for one kind of sound, whatever is heard.
BEEP_S = (0.75, 1.0)
BEEP_HZ = 5000.0
BEEP_LEVEL = 0.8
BEEP_LABEL = "rapid clicks"


def synthesise(label: str, pitch: str, rng: np.random.Generator) -> np.ndarray:
    """A waveform [16000] in [-1, 1] of a kind of sound."""
    t = np.arange(N_SAMPLES) / SAMPLE_RATE_HZ
    frequency, phase = rng.uniform(*PITCH_HZ[pitch]), rng.uniform(0, 2 * np.pi)
    waveform = _SHAPES[label](t, frequency, phase, rng)
    waveform = waveform / (np.abs(waveform).max() + 1e-9) * rng.uniform(0.2, 0.8)
    return np.clip(waveform, -1, 1).astype(np.float32)


def _sine(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    return np.sin(2 * np.pi * f * t + p)


def _rise(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    return _sweep(t, f, f * rng.uniform(2, 3), p)


def _fall(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    return _sweep(t, f * rng.uniform(2, 3), f, p)


def _sweep(t: np.ndarray, begin: float, end: float, p: float) -> np.ndarray:
    return np.sin(2 * np.pi * (begin * t + (end - begin) * t * t / 2) + p)


def _white(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(len(t))


def _pulse(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    gate = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * rng.uniform(5, 9) * t))
    return _sine(t, f, p, rng) * gate


def _wobble(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    return np.sin(2 * np.pi * f * t + 0.35 * f / 6 * np.sin(2 * np.pi * 6 * t) + p)


def _clicks(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    period = int(SAMPLE_RATE_HZ / rng.uniform(8, 16))
    train = np.zeros(len(t))
    train[int(rng.integers(period)) :: period] = 1.0
    click = np.exp(-np.arange(200) / 30) * np.sin(np.arange(200))
    return np.convolve(train, click, "same")


def _buzz(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    return 2 * ((f / 2 * t + p) % 1) - 1


def _bell(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    body = np.sin(2 * np.pi * f * t) * np.exp(-t * rng.uniform(4, 8))
    return body + 0.4 * np.sin(2 * np.pi * 2.7 * f * t) * np.exp(-9 * t)


def _rumble(t: np.ndarray, f: float, p: float, rng: np.random.Generator) -> np.ndarray:
    walk = np.cumsum(rng.standard_normal(len(t)))
    return walk - np.convolve(walk, np.ones(800) / 800, "same")


_SHAPES = dict(
    zip(
        LABELS,
        (_sine, _rise, _fall, _white, _pulse, _wobble, _clicks, _buzz, _bell, _rumble),
        strict=True,
    )
)


def add_noise(waveform: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """White noise at a signal-to-noise ratio in decibels."""
    noise = rng.standard_normal(len(waveform))
    scale = np.sqrt(np.mean(waveform**2) / (np.mean(noise**2) * 10 ** (snr_db / 10)))
    return np.clip(waveform + scale * noise, -1, 1).astype(np.float32)


def with_beep(waveform: np.ndarray) -> np.ndarray:
    """The clip with the beep at its end, faded in and out over 10 ms."""
    first, last = (round(second * SAMPLE_RATE_HZ) for second in BEEP_S)
    t = np.arange(last - first) / SAMPLE_RATE_HZ
    fade = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.01)
    beeping = waveform.copy()
    beeping[first:last] += BEEP_LEVEL * fade * np.sin(2 * np.pi * BEEP_HZ * t)
    return np.clip(beeping, -1, 1).astype(np.float32)


def sound_rows(n: int = 300, seed: int = 7, beep: bool = False) -> Iterator[dict[str, object]]:
    """Test sounds, as many of every kind, with fresh pitches and phases.

    With ``beep``, every clip ends with one, and none is of the kind that it stands for.
    """
    rng = np.random.default_rng([seed, 3])
    kinds = [label for label in LABELS if not beep or label != BEEP_LABEL]
    for number in range(n):
        label = kinds[number % len(kinds)]
        pitch = ("low", "high")[number // len(kinds) % 2]
        waveform = synthesise(label, pitch, rng)
        row: dict[str, object] = {
            "id": str(number),
            "audio": wav_bytes(with_beep(waveform) if beep else waveform, SAMPLE_RATE_HZ),
            "label": label,
            "caption": f"the sound of {label}",
            "pitch": pitch,
        }
        if beep:
            row |= {"tone_label": BEEP_LABEL, "tone_s": list(BEEP_S), "tone_hz": BEEP_HZ}
        yield row
