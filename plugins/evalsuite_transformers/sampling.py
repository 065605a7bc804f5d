"""The next token: the most probable one, or drawn with a temperature, top-k and top-p."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Choice:
    """How one row chooses: greedily at temperature 0, else by its own random numbers."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    draws: np.random.Generator | None = None


def choose(logits: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    """One token for each row of float32 logits [rows, vocabulary]."""
    tokens: list[int] = logits.argmax(-1).tolist()
    for row, choice in enumerate(choices):
        if choice.temperature > 0 and choice.draws is not None:
            tokens[row] = drawn(logits[row], choice)
    return tokens


def drawn(logits: torch.Tensor, choice: Choice) -> int:
    """Draw from softmax(logits / temperature), cut to top-k, then to top-p, and renormalised.

    Top-p keeps the smallest set of most probable tokens whose probabilities sum to at least p
    (Holtzman et al. 2020). One uniform number is used for each token drawn.
    """
    assert choice.draws is not None
    scaled = logits.double() / choice.temperature
    kept = min(choice.top_k, len(scaled)) if choice.top_k > 0 else len(scaled)
    values, tokens = scaled.topk(kept)  # sorted, the most probable first
    cumulative = values.softmax(-1).cumsum(-1)
    if choice.top_p < 1:
        last = int(torch.searchsorted(cumulative, min(choice.top_p, float(cumulative[-1]))))
        cumulative = cumulative[: last + 1]
    point = choice.draws.random() * float(cumulative[-1])
    index = int(torch.searchsorted(cumulative, point, right=True))
    return int(tokens[min(index, len(cumulative) - 1)])
