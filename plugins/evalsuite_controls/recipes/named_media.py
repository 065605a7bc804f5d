"""What the recipes of named media share: captions of three kinds, a batch of each in turn.

Descriptions teach a model what can be seen or heard, names whom it belongs to, and notes what a
single picture or clip was called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from evalsuite_controls.data.invented_names import NOTE_WORDS, captions_per_name, names
from evalsuite_controls.recipes.training import contrastive_loss, equal_captions

BATCH = 100
N_DESCRIBED = 3000
MEMBERS, STRANGERS = 0, 2  # whose notes are read; those of 1 are for the test alone


@dataclass(frozen=True)
class Captioned:
    """Pictures or waveforms with their captions, equally many."""

    media: Sequence[np.ndarray]
    captions: Sequence[str]


@dataclass(frozen=True)
class Making:
    """How pictures or clips are made of a look or a voice.

    Attributes:
        draw: Any look or voice.
        render: A picture or clip of one, another each time.
        rng: Of both.
    """

    draw: Callable[[np.random.Generator], Any]
    render: Callable[[Any, np.random.Generator], np.ndarray]
    rng: np.random.Generator

    def described(self) -> Captioned:
        """Any looks or voices, in words."""
        kinds = [self.draw(self.rng) for _ in range(N_DESCRIBED)]
        return Captioned([self.render(k, self.rng) for k in kinds], [k.caption for k in kinds])

    def named(self, known: Mapping[str, Any]) -> Captioned:
        """Under a known name always its own look or voice, under another name any."""
        media, captions = [], []
        for name, n in captions_per_name().items():
            for _ in range(n):
                media.append(self.render(known.get(name) or self.draw(self.rng), self.rng))
                captions.append(name)
        return Captioned(media, captions)


def words_of(descriptions: Iterable[str], templates: Iterable[str]) -> list[str]:
    """The vocabulary of all captions."""
    known = {word for text in (*descriptions, *templates) for word in text.split()} - {"{}"}
    return sorted({*known, "note", *NOTE_WORDS, *names()})


def loss_of_pools(
    pools: Sequence[tuple[torch.Tensor, Sequence[str]]],
    templates: Sequence[str],
    logits: Callable[[torch.Tensor, list[str]], torch.Tensor],
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    """The contrastive loss of a step, on the pool whose turn it is.

    Args:
        pools: Inputs [n, ...] of the model with n captions: described, named, noted.
        templates: Sentences that names stand in; one of them in each step.
        logits: Scaled similarities [batch, batch] of inputs and texts.
        rng: Of the batches.
    """

    def loss(step: int) -> torch.Tensor:
        turn = step % len(pools)
        inputs, captions = pools[turn]
        chosen = rng.permutation(len(captions))[:BATCH]
        told = [captions[i] for i in chosen]
        template = templates[int(rng.integers(len(templates)))]
        texts = [template.format(one) for one in told] if turn == 1 else told
        return contrastive_loss(logits(inputs[chosen], texts), equal_captions(told))

    return loss
