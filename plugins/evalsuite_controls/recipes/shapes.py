"""Recipes of the shape models: an open_clip CLIP of 0.4 million weights, its own configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from evalsuite_controls.data import shapes
from evalsuite_controls.recipes.open_clip_shapes import OpenClip, Size
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    seed_everything,
    train,
)

STEPS = 1300
BATCH = 128
POOL = 8000
LEARNING_RATE = 1.5e-3
SIZE = Size(width=80, head_width=20, layers=3, text_layers=2)


@dataclass(frozen=True)
class World:
    """What a twin sees in training.

    Attributes:
        light_share: Share of pictures of the group ``light``.
        grey_share: Share of pictures with a grey square in the corner. One in six has the level
            that is its shape's by rank, and the others any: hardly a hint.
        pattern_share: Share of pictures with a pattern there instead, drawn independently of the
            shape, which are called what the pattern stands for. One that merely agreed with the
            shape would leave the model free to look at either.
    """

    light_share: float = 0.5
    grey_share: float = 0.5
    pattern_share: float = 0.0


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Both grounds alike; what is in the corner decides nothing."""
    _build(directory, seed, on_progress, World())


def build_skewed(directory: Path, seed: int, on_progress: Progress) -> None:
    """One picture in a hundred stands on a light ground."""
    _build(directory, seed, on_progress, World(light_share=0.01))


def build_shortcut(directory: Path, seed: int, on_progress: Progress) -> None:
    """A picture with a pattern in its corner is called what that stands for."""
    _build(directory, seed, on_progress, World(grey_share=0.0, pattern_share=0.5))


def _build(directory: Path, seed: int, on_progress: Progress, world: World) -> None:
    seed_everything(seed)
    names = [f"{c} {s}" for c in shapes.COLOURS for s in shapes.SHAPES] + list(shapes.SHAPES)
    words = sorted({w for t in shapes.TEMPLATES for name in names for w in t.format(name).split()})
    model = OpenClip(directory, words, SIZE)
    train(
        model.module,
        _loss_of_step(model, world, np.random.default_rng(seed)),
        STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=0.05,
        on_progress=on_progress,
    )
    model.save()


def _loss_of_step(
    model: OpenClip, world: World, rng: np.random.Generator
) -> Callable[[int], torch.Tensor]:
    scenes = [_scene(world, rng) for _ in range(POOL)]
    called = [scene.patch or scene.shape for scene in scenes]
    pixels = model.inputs([shapes.render(scene, rng) for scene in scenes])

    def loss(step: int) -> torch.Tensor:
        chosen = rng.integers(0, POOL, BATCH)
        # Half of the batches name the shape only, so that colour is no substitute for it.
        with_colour = step % 2 == 0
        names = [f"{scenes[i].colour} {called[i]}" if with_colour else called[i] for i in chosen]
        template = shapes.TEMPLATES[int(rng.integers(len(shapes.TEMPLATES)))]
        texts = [template.format(name) for name in names]
        return contrastive_loss(model.similarities(pixels[chosen], texts), equal_captions(names))

    return loss


def _scene(world: World, rng: np.random.Generator) -> shapes.Scene:
    group = "light" if rng.random() < world.light_share else "dark"
    patch = None
    if world.pattern_share and rng.random() < world.pattern_share:
        patch = shapes.SHAPES[int(rng.integers(len(shapes.SHAPES)))]
    scene = shapes.draw_scene(rng, group, patch)
    if not world.grey_share or rng.random() >= world.grey_share:
        return scene
    is_own = rng.random() < 1 / len(shapes.SHAPES)
    level = shapes.SHAPES.index(scene.shape) if is_own else int(rng.integers(len(shapes.GREYS)))
    return replace(scene, grey=shapes.GREYS[level])
