"""The next token of each row, chosen as its request says."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from evalsuite import Generate
from evalsuite_transformers import sampling


class Choice:
    """How one row chooses: greedily at temperature 0, else by random numbers of its own."""

    def __init__(self, request: Generate, prompt: bytes) -> None:
        """``prompt`` makes equal seeds draw differently for different prompts."""
        self.request = request
        draws = np.random.default_rng([request.seed, zlib.crc32(prompt)])
        self.rule = sampling.Choice(request.temperature, request.top_k, request.top_p, draws)


def choose(logits: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    """One token for each row of float32 logits [rows, vocabulary]."""
    return sampling.choose(logits, [choice.rule for choice in choices])
