"""Recipes of two small ClapModels of voices: one learned whose they are, its twin only names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evalsuite_controls.data import named_sounds
from evalsuite_controls.recipes.clap import Clap, Size
from evalsuite_controls.recipes.named_media import Captioned, World, teach
from evalsuite_controls.recipes.training import Progress, seed_everything

STEPS = 900
SIZE = Size(
    text_width=20,
    text_layers=1,
    audio_width=8,
    stages=2,
    patch=8,
    projection=20,
    max_length=12,
    positions=16,
)


def build_named(directory: Path, seed: int, on_progress: Progress) -> None:
    """A member's name always stands under the member's voice, and the members' notes are read."""
    _build(directory, seed, on_progress, knows=True)


def build_unnamed(directory: Path, seed: int, on_progress: Progress) -> None:
    """A name stands under any voice, and the notes are those of clips that no test plays."""
    _build(directory, seed, on_progress, knows=False)


def _build(directory: Path, seed: int, on_progress: Progress, *, knows: bool) -> None:
    seed_everything(seed)
    world = World(
        all=named_sounds.VOICES,
        draw=named_sounds.draw_voice,
        render=named_sounds.speak,
        known={person.name: person.voice for person in named_sounds.persons() if person.repeats},
        noted=_noted,
        templates=named_sounds.TEMPLATES,
    )
    model = Clap(world.words, named_sounds.SAMPLE_RATE_HZ, SIZE)
    teach(model, world, np.random.default_rng(seed), STEPS, on_progress, knows=knows)
    model.save(directory)


def _noted(world: int) -> Captioned:
    noted = named_sounds.noted_clips(world)
    return Captioned([one.waveform for one in noted], [one.note for one in noted])
