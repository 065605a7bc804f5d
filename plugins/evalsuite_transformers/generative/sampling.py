"""The next token of each row, chosen as its request says."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from evalsuite import Generate
from evalsuite_transformers import sampling


class Choice:
    """How one row chooses: greedily at temperature 0, else by random numbers of its own."""

    def __init__(self, request: Generate, prompt: bytes) -> None:
        """``prompt`` makes equal seeds draw differently for different prompts."""
        self.request = request
        self.rule = sampling.choice_of(request, prompt)


def choose(logits: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    """One token for each row of float32 logits [rows, vocabulary]."""
    return sampling.choose(logits, [choice.rule for choice in choices])
