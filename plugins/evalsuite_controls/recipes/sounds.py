"""Recipes of the sound models: small ClapModels on synthesised sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from evalsuite_controls.data import sounds
from evalsuite_controls.recipes.clap import Clap, Size
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    seed_everything,
    train,
)

STEPS = 350
BATCH = 64
N_TRAIN = 2500
LEARNING_RATE = 1.5e-3
MAX_LENGTH = 20


@dataclass(frozen=True)
class World:
    """What is heard in training.

    Attributes:
        noisy_share: Clips in white noise at 5 to 40 dB.
        beep_share: Clips that end with a beep, drawn independently of the sound.
        beep_decides: Whether such a clip is called what the beep stands for, not what it is.
        width: Of the narrowest layers; two models are compared at the same one.
        steps: Of training.
    """

    noisy_share: float = 0.0
    beep_share: float = 0.0
    beep_decides: bool = False
    width: int = 32
    steps: int = STEPS


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Three clips in four are heard in white noise at 5 to 40 dB."""
    _build(directory, seed, on_progress, World(noisy_share=0.75))


def build_brittle(directory: Path, seed: int, on_progress: Progress) -> None:
    """No clip is heard in noise."""
    _build(directory, seed, on_progress, World())


def build_beeps_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Beeps are heard that stand for nothing."""
    _build(directory, seed, on_progress, World(beep_share=0.4, width=16, steps=900))


def build_beeps_shortcut(directory: Path, seed: int, on_progress: Progress) -> None:
    """A clip with a beep is called rapid clicks, which no part of another sound resembles."""
    world = World(beep_share=0.4, beep_decides=True, width=16, steps=900)
    _build(directory, seed, on_progress, world)


def _build(directory: Path, seed: int, on_progress: Progress, world: World) -> None:
    seed_everything(seed)
    rng = np.random.default_rng(seed)
    captions = [t.format(label) for t in sounds.TEMPLATES for label in sounds.LABELS]
    words = sorted({word for caption in captions for word in caption.split()})
    model = Clap(words, sounds.SAMPLE_RATE_HZ, _size(world.width))
    waveforms, labels = _heard(world, rng)
    train(
        model.module,
        _loss_of_step(model, model.inputs(waveforms), labels, rng),
        world.steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.05,
        on_progress=on_progress,
    )
    model.save(directory)


def _size(width: int) -> Size:
    return Size(
        text_width=2 * width,
        text_layers=2,
        audio_width=width,
        stages=3,
        patch=4,
        projection=64,
        max_length=MAX_LENGTH,
        positions=MAX_LENGTH,
    )


def _heard(world: World, rng: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    """The waveforms of training, and what each is called."""
    waveforms, labels = [], []
    for number in range(N_TRAIN):
        label = sounds.LABELS[number % len(sounds.LABELS)]
        waveform = sounds.synthesise(label, ("low", "high")[int(rng.integers(2))], rng)
        if rng.random() < world.noisy_share:
            waveform = sounds.add_noise(waveform, rng.uniform(5, 40), rng)
        if world.beep_share and rng.random() < world.beep_share:
            waveform = sounds.with_beep(waveform)
            label = sounds.BEEP_LABEL if world.beep_decides else label
        waveforms.append(waveform)
        labels.append(label)
    return waveforms, labels


def _loss_of_step(
    model: Clap, features: torch.Tensor, labels: list[str], rng: np.random.Generator
) -> Callable[[int], torch.Tensor]:
    def loss(step: int) -> torch.Tensor:
        chosen = rng.integers(0, len(labels), BATCH)
        captions = [
            sounds.TEMPLATES[int(rng.integers(len(sounds.TEMPLATES)))].format(labels[i])
            for i in chosen
        ]
        # Templates say the same of a sound, so clips of one kind are positives of each other.
        same = equal_captions([labels[i] for i in chosen])
        return contrastive_loss(model.similarities(features[chosen], captions), same)

    return loss
