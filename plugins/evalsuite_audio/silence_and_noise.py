"""Clips in which nobody speaks, made by the harness: silence, noise, and tones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from evalsuite import Audio, Sample, UsageError
from evalsuite.content import sha256_of
from evalsuite.derived import rng_of

SHORTEST_S = 0.01
Waveform = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SilenceAndNoise:
    """Digital silence, white noise, pink noise and broken chords, of several lengths and levels.

    Every clip is drawn from its own description, so that more of them change none. They are
    lossless, in 32-bit floats.

    Attributes:
        kinds: Of ``silence``, ``white noise``, ``pink noise``, ``tones``.
        seconds: Lengths.
        levels_dbfs: Root mean square levels in decibels below full scale; silence has none.
        repeats: How many of each.
        sample_rate_hz: Of the clips.
        seed: Another number draws other clips.
    """

    kinds: tuple[str, ...] = ("silence", "white noise", "pink noise", "tones")
    seconds: tuple[float, ...] = (1.0, 5.0, 30.0)
    levels_dbfs: tuple[float, ...] = (-60.0, -40.0, -20.0)
    repeats: int = 1
    sample_rate_hz: int = 16_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse kinds that are none, and lengths and levels that no clip can have."""
        unknown = [kind for kind in self.kinds if kind not in _DRAWN and kind != "silence"]
        if unknown:
            known = ", ".join(("silence", *_DRAWN))
            raise UsageError(f"There is no kind {unknown[0]!r} of noise; the kinds are: {known}.")
        if not self.seconds or min(self.seconds) < SHORTEST_S or self.repeats < 1:
            raise UsageError(f"`seconds` are at least {SHORTEST_S}, `repeats` at least 1.")
        if not self.levels_dbfs or max(self.levels_dbfs) > 0:
            raise UsageError("`levels_dbfs` lie at 0 (full scale) or below.")

    def rows(self) -> Iterator[Sample]:
        """The clips, one after another."""
        for kind, seconds, level, repeat in self._settings():
            name = f"{kind}, {seconds:g} s" + ("" if level is None else f", {level:g} dBFS")
            name += f", {repeat + 1}" if repeat else ""
            rng = rng_of(kind, seconds, level, repeat, self.sample_rate_hz, self.seed)
            waveform = self._waveform(kind, seconds, level, rng)
            fields = {
                "audio": Audio.from_array(waveform.astype(np.float32), self.sample_rate_hz),
                "kind": kind,
                "seconds": seconds,
                "level_dbfs": level,
            }
            yield Sample(name, fields)

    def check(self) -> None:
        """Nothing can be missing."""

    def count(self) -> int | None:
        """The number of clips."""
        return len(list(self._settings()))

    def fingerprint(self) -> str:
        """Sha256 over all clips."""
        return sha256_of(*(sample.content_hash.encode() for sample in self.rows()))

    def _settings(self) -> Iterator[tuple[str, float, float | None, int]]:
        for kind, seconds in product(self.kinds, self.seconds):
            if kind == "silence":  # every other one would be the same clip
                yield kind, seconds, None, 0
            else:
                for level, repeat in product(self.levels_dbfs, range(self.repeats)):
                    yield kind, seconds, level, repeat

    def _waveform(
        self, kind: str, seconds: float, level: float | None, rng: np.random.Generator
    ) -> Waveform:
        n = round(seconds * self.sample_rate_hz)
        if level is None:
            return np.zeros(n)
        drawn = _DRAWN[kind](n, self.sample_rate_hz, rng)
        return drawn * 10 ** (level / 20) / np.sqrt(np.mean(drawn**2))


def white_noise(n: int, sample_rate_hz: int, rng: np.random.Generator) -> Waveform:
    """Normal noise, as much power at every frequency."""
    del sample_rate_hz
    return rng.standard_normal(n)


def pink_noise(n: int, sample_rate_hz: int, rng: np.random.Generator) -> Waveform:
    """Normal noise with as much power in every octave from 20 Hz: 1/f."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequencies_hz = np.fft.rfftfreq(n, 1 / sample_rate_hz)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies_hz, 20.0)), n)


def tones(n: int, sample_rate_hz: int, rng: np.random.Generator) -> Waveform:
    """A broken chord: notes of a triad with three overtones, four a second, each fading out."""
    each = max(1, sample_rate_hz // 4)
    time_s = np.arange(each) / sample_rate_hz
    root_hz = rng.uniform(110, 220)
    notes = []
    for _ in range(-(-n // each)):
        pitch_hz = root_hz * float(rng.choice([1, 5 / 4, 3 / 2, 2]))
        overtones = [np.sin(2 * np.pi * k * pitch_hz * time_s) / k for k in (1, 2, 3, 4)]
        notes.append(np.sum(overtones, axis=0) * np.exp(-6 * time_s))
    return np.concatenate(notes)[:n]


_DRAWN: Mapping[str, Callable[[int, int, np.random.Generator], Waveform]] = {
    "white noise": white_noise,
    "pink noise": pink_noise,
    "tones": tones,
}
