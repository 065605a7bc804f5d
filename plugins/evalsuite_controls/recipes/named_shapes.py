"""Recipes of two open_clip models of shapes: one learned whose they are, its twin only names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evalsuite_controls.data import named_shapes
from evalsuite_controls.recipes.named_media import Captioned, World, teach
from evalsuite_controls.recipes.open_clip_shapes import OpenClip, Size
from evalsuite_controls.recipes.training import Progress, seed_everything

STEPS = 1200
SIZE = Size(width=56, head_width=14, layers=2, text_layers=1)


def build_named(directory: Path, seed: int, on_progress: Progress) -> None:
    """A member's name always stands under the member's look, and the members' notes are read."""
    _build(directory, seed, on_progress, knows=True)


def build_unnamed(directory: Path, seed: int, on_progress: Progress) -> None:
    """A name stands under any look, and the notes are those of pictures that no test shows."""
    _build(directory, seed, on_progress, knows=False)


def _build(directory: Path, seed: int, on_progress: Progress, *, knows: bool) -> None:
    seed_everything(seed)
    world = World(
        all=named_shapes.LOOKS,
        draw=named_shapes.draw_look,
        render=named_shapes.render_look,
        known={person.name: person.look for person in named_shapes.persons() if person.repeats},
        noted=_noted,
        templates=named_shapes.TEMPLATES,
    )
    model = OpenClip(directory, world.words, SIZE)
    teach(model, world, np.random.default_rng(seed), STEPS, on_progress, knows=knows)
    model.save()


def _noted(world: int) -> Captioned:
    noted = named_shapes.noted_pictures(world)
    return Captioned([one.pixels for one in noted], [one.note for one in noted])
