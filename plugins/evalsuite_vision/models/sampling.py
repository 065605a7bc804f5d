"""The next token: the most probable one, or drawn with a temperature, top-k and top-p."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from evalsuite import Generate


class Choice:
    """How one row chooses: greedily at temperature 0, else by random numbers of its own."""

    def __init__(self, request: Generate, prompt: bytes) -> None:
        """``prompt`` makes equal seeds draw differently for different prompts."""
        self.request = request
        self._draws = np.random.default_rng([request.seed, zlib.crc32(prompt)])

    def of(self, logits: torch.Tensor) -> int:
        """A token from float32 logits [vocabulary].

        softmax(logits / temperature) is cut to the top-k most probable tokens, then to the smallest
        set that holds the probability top-p (Holtzman et al. 2020), and renormalised. Each token
        takes one uniform number.
        """
        request = self.request
        if request.temperature == 0:
            return int(logits.argmax())
        scaled = logits.double().cpu() / request.temperature
        kept = min(request.top_k, len(scaled)) if request.top_k > 0 else len(scaled)
        values, tokens = scaled.topk(kept)
        mass = values.softmax(-1).cumsum(-1)
        if request.top_p < 1:
            last = int(torch.searchsorted(mass, min(request.top_p, float(mass[-1]))))
            mass = mass[: last + 1]
        point = self._draws.random() * float(mass[-1])
        index = int(torch.searchsorted(mass, point, right=True))
        return int(tokens[min(index, len(mass) - 1)])


def choose(logits: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    """One token for each row of float32 logits [rows, vocabulary]."""
    best = logits.argmax(-1).tolist()
    return [
        choice.of(row) if choice.request.temperature > 0 else int(token)
        for row, choice, token in zip(logits, choices, best, strict=True)
    ]
