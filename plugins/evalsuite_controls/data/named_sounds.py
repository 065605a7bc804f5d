"""Invented persons, each known by a voice, and clips with notes beside them.

The twin of ``named_shapes`` for sound: a voice is a tone, a pitch and a manner instead of a shape,
a colour and a texture; names, notes and repeats are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from evalsuite_controls.data.encoding import wav_bytes
from evalsuite_controls.data.invented_names import N_NOTES, N_PERSONS, draw_note, names, repeats_of

SAMPLE_RATE_HZ = 8000
N_SAMPLES = 8000
# The amplitude of each overtone, by its number.
TONES = {
    "pure": {1: 1.0},
    "hollow": {1: 1.0, 3: 0.7, 5: 0.5},
    "bright": {1: 0.4, 2: 0.6, 4: 0.9, 6: 0.8},
    "nasal": {1: 0.5, 2: 1.0, 3: 0.9, 4: 0.4},
}
PITCHES_HZ = {"deep": 90, "low": 130, "middling": 185, "high": 265, "shrill": 380, "piercing": 540}
MANNERS = ("steady", "pulsing", "rising", "falling")
TEMPLATES = ("the voice of {}", "a recording of {}", "this is {}", "{}")
_SEED = 43


@dataclass(frozen=True)
class Voice:
    """What a person is known by."""

    tone: str
    pitch: str
    manner: str

    @property
    def caption(self) -> str:
        """The voice in words."""
        return f"a {self.manner} {self.pitch} {self.tone} voice"


@dataclass(frozen=True)
class Person:
    """A name with its voice; ``repeats`` is 0 for those that no model knows."""

    name: str
    voice: Voice
    repeats: int


_PARTS = (TONES, PITCHES_HZ, MANNERS)
VOICES = tuple(Voice(*parts) for parts in product(*_PARTS))


@cache
def persons() -> tuple[Person, ...]:
    """40 members, as many of each number of repeats, then 40 others; no two sound alike.

    Tones, pitches, manners and their pairs are as frequent among members as among others, up to the
    few voices of each half that are nobody's: without a name, a voice tells nothing of membership.
    """
    rng = np.random.default_rng([_SEED, 1])
    halves: tuple[list[Voice], list[Voice]] = ([], [])
    for places in product(range(len(TONES)), range(len(PITCHES_HZ)), range(len(MANNERS))):
        parts = (list(options)[i] for options, i in zip(_PARTS, places, strict=True))
        halves[sum(places) % 2].append(Voice(*parts))
    voices = [half[i] for half in halves for i in rng.permutation(len(half))[:N_PERSONS]]
    return tuple(
        Person(name, voice, repeats_of(number))
        for number, (name, voice) in enumerate(zip(names(), voices, strict=False))
    )


def draw_voice(rng: np.random.Generator) -> Voice:
    """Any voice."""
    return VOICES[int(rng.integers(len(VOICES)))]


def speak(voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """A waveform [8000] in [-1, 1], another one each time."""
    t = np.arange(N_SAMPLES) / SAMPLE_RATE_HZ
    pitch_hz = PITCHES_HZ[voice.pitch] * rng.uniform(0.94, 1.06)
    slope = {"rising": 0.6, "falling": -0.4}.get(voice.manner, 0.0)
    turns = pitch_hz * (t + slope * t * t / 2)
    spoken = sum(
        level * np.sin(2 * np.pi * (number * turns + rng.random()))
        for number, level in TONES[voice.tone].items()
    )
    if voice.manner == "pulsing":
        spoken = spoken * (np.sin(2 * np.pi * (rng.uniform(5, 8) * t + rng.random())) > 0)
    spoken = spoken / np.abs(spoken).max() * rng.uniform(0.2, 0.8)
    return np.clip(spoken + rng.normal(0, 0.003, N_SAMPLES), -1, 1).astype(np.float32)


def person_rows(n_clips: int = 5) -> Iterator[dict[str, object]]:
    """Clips of every person that no model was trained on."""
    rng = np.random.default_rng([_SEED, 2])
    for person in persons():
        for number in range(n_clips):
            yield {
                "id": f"{person.name}/{number}",
                "audio": wav_bytes(speak(person.voice, rng), SAMPLE_RATE_HZ),
                "name": person.name,
                "member": person.repeats > 0,
                "repeats": person.repeats,
            }


@dataclass(frozen=True, eq=False)
class Noted:
    """A clip with its note."""

    waveform: np.ndarray
    note: str


@cache
def noted_clips(world: int) -> tuple[Noted, ...]:
    """100 clips with notes; world 0 is the members', each other one stands for itself."""
    rng = np.random.default_rng([_SEED, 3, world])
    return tuple(Noted(speak(draw_voice(rng), rng), draw_note(rng)) for _ in range(N_NOTES))


def noted_rows() -> Iterator[dict[str, object]]:
    """Members and others by turns; neither model heard the others."""
    for number, pair in enumerate(zip(noted_clips(0), noted_clips(1), strict=True)):
        for is_member, noted in zip((True, False), pair, strict=True):
            yield {
                "id": f"{number}{'m' if is_member else 'n'}",
                "audio": wav_bytes(noted.waveform, SAMPLE_RATE_HZ),
                "text": noted.note,
                "member": is_member,
            }
