"""Tokens that a Whisper decoder never writes, looked up once.

The library's processors compare every token of the vocabulary with theirs at every step, which
takes longer than a tiny model takes to write a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor


class Suppression(LogitsProcessor):  # type: ignore[misc]
    """Minus infinity for some tokens, and for some more at the first step.

    Attributes:
        never: Which tokens are never written [vocabulary].
        not_first: Which are not written at the first step, those included [vocabulary].
    """

    def __init__(
        self, never: Sequence[int], not_first: Sequence[int], n_tokens: int, device: torch.device
    ) -> None:
        """Mark the tokens in a vocabulary of ``n_tokens``; numbers outside of it mean nothing."""
        self.never = _marked(never, n_tokens, device)
        self.not_first = self.never | _marked(not_first, n_tokens, device)
        self._n_opening = 0

    @classmethod
    def of(cls, module: Any) -> Suppression:
        """What a model's generation settings say."""
        own = module.generation_config
        n_tokens = int(module.config.vocab_size)
        never, not_first = own.suppress_tokens or (), own.begin_suppress_tokens or ()
        return cls(never, not_first, n_tokens, module.device)

    def set_begin_index(self, begin_index: int) -> None:
        """How many special tokens stand before the first step; the library calls this."""
        self._n_opening = begin_index

    def __call__(self, input_ids: torch.LongTensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [rows, vocabulary] after the tokens so far [rows, tokens]."""
        is_first = input_ids.shape[-1] == self._n_opening
        return scores.masked_fill(self.not_first if is_first else self.never, -torch.inf)


def _marked(tokens: Sequence[int], n_tokens: int, device: torch.device) -> torch.Tensor:
    marks = torch.zeros(n_tokens, dtype=torch.bool, device=device)
    known = [token for token in tokens if 0 <= token < n_tokens]
    marks[torch.tensor(known, dtype=torch.long, device=device)] = True
    return marks
