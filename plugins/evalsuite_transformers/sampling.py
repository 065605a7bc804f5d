"""The next token: the most probable one, or drawn with a temperature, top-k and top-p."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor

from evalsuite import Generate


@dataclass(frozen=True)
class Choice:
    """How one row chooses: greedily at temperature 0, else by its own random numbers."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    draws: np.random.Generator | None = None


def choice_of(request: Generate, prompt: bytes) -> Choice:
    """How the answer to a request is chosen.

    Numbers are drawn from its seed and its prompt: equal seeds would draw alike for different
    prompts, and samples would not be independent. They are the same on every device and in every
    batch.
    """
    draws = np.random.default_rng([request.seed, zlib.crc32(prompt)])
    return Choice(request.temperature, request.top_k, request.top_p, draws)


class ChosenOnly(LogitsProcessor):
    """In the library's own greedy ``generate``: each row's choice is the only possible token."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        """One choice for each row."""
        self.choices = choices

    def __call__(self, input_ids: Any, scores: Any) -> torch.Tensor:
        """Scores [rows, vocabulary] that leave the choices only."""
        return leaving(scores, choose(scores.float(), self.choices))


def leaving(scores: torch.Tensor, tokens: Sequence[int]) -> torch.Tensor:
    """Scores [rows, vocabulary] of 0 at each row's token and minus infinity elsewhere."""
    chosen = torch.tensor(tokens, device=scores.device)[:, None]
    return torch.full_like(scores, -torch.inf).scatter_(1, chosen, 0.0)


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
