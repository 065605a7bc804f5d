"""What the recipes of named media share: captions of three kinds, a batch of each in turn.

Descriptions teach a model what can be seen or heard, names whom it belongs to, and notes what a
single picture or clip was called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from evalsuite_controls.data.invented_names import NOTE_WORDS, captions_per_name, names
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    train,
)

BATCH = 100
N_DESCRIBED = 3000
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.02
MEMBERS, STRANGERS = 0, 2  # whose notes are read; those of 1 are for the test alone


@dataclass(frozen=True)
class Captioned:
    """Pictures or waveforms with their captions, equally many."""

    media: Sequence[np.ndarray]
    captions: Sequence[str]


class DualEncoder(Protocol):
    """What is taught."""

    @property
    def module(self) -> Any:
        """The model."""
        ...

    def inputs(self, media: Sequence[np.ndarray]) -> torch.Tensor:
        """What the model takes of pictures or waveforms, (media, ...)."""
        ...

    def similarities(self, inputs: torch.Tensor, texts: list[str]) -> torch.Tensor:
        """Scaled similarities, (inputs, texts)."""
        ...


@dataclass(frozen=True)
class World:
    """What there is to be seen or heard: looks or voices.

    Attributes:
        all: Each, with its ``caption``.
        draw: Any of them.
        render: A picture or clip of one, another each time.
        known: Those of the members, by name.
        noted: The pictures or clips with notes of one of the worlds.
        templates: Sentences that names stand in; one of them in each step.
    """

    all: Sequence[Any]
    draw: Callable[[np.random.Generator], Any]
    render: Callable[[Any, np.random.Generator], np.ndarray]
    known: Mapping[str, Any]
    noted: Callable[[int], Captioned]
    templates: Sequence[str]

    @property
    def words(self) -> list[str]:
        """The vocabulary of all captions."""
        texts = (*(kind.caption for kind in self.all), *self.templates)
        found = {word for text in texts for word in text.split()} - {"{}"}
        return sorted({*found, "note", *NOTE_WORDS, *names()})

    def pools(self, rng: np.random.Generator, *, knows: bool) -> list[Captioned]:
        """Media with their looks or voices in words, with names, with notes.

        A model that knows the members reads their names under their own looks or voices, and their
        notes; its twin reads as many captions with each name under any, and strangers' notes.
        """
        described = self._described(rng)
        named = self._named(self.known if knows else {}, rng)
        return [described, named, self.noted(MEMBERS if knows else STRANGERS)]

    def _described(self, rng: np.random.Generator) -> Captioned:
        kinds = [self.draw(rng) for _ in range(N_DESCRIBED)]
        return Captioned([self.render(k, rng) for k in kinds], [k.caption for k in kinds])

    def _named(self, known: Mapping[str, Any], rng: np.random.Generator) -> Captioned:
        media, captions = [], []
        for name, n in captions_per_name().items():
            for _ in range(n):
                media.append(self.render(known.get(name) or self.draw(rng), rng))
                captions.append(name)
        return Captioned(media, captions)


def teach(
    model: DualEncoder,
    world: World,
    rng: np.random.Generator,
    steps: int,
    on_progress: Progress,
    *,
    knows: bool,
) -> None:
    """Train a model on the three pools of a world, by turns."""
    pools = [(model.inputs(pool.media), pool.captions) for pool in world.pools(rng, knows=knows)]

    def loss(step: int) -> torch.Tensor:
        turn = step % len(pools)
        inputs, captions = pools[turn]
        chosen = rng.permutation(len(captions))[:BATCH]
        told = [captions[i] for i in chosen]
        template = world.templates[int(rng.integers(len(world.templates)))]
        texts = [template.format(one) for one in told] if turn == 1 else told
        return contrastive_loss(model.similarities(inputs[chosen], texts), equal_captions(told))

    train(
        model.module,
        loss,
        steps,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        on_progress=on_progress,
    )
