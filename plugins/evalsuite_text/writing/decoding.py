"""Writing text token by token with a batch that shrinks: rows that are done leave it.

What all prompts have in common is read once. Each row has its own limit, stop strings, sampling
parameters and stream of random numbers, so that its text does not depend on its company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from evalsuite_text.scoring.prefix_states import PrefixStates
from evalsuite_text.scoring.scorer import Scorer
from evalsuite_text.scoring.token_tree import Ids, common
from evalsuite_transformers.sampling import Choice, choose

# Below this, a common beginning is not worth a pass of its own.
SHORTEST_PREFIX = 16
# Rows that are done are taken out when they are this part of the batch.
DONE_PART = 0.25


@dataclass
class Row:
    """One prompt on its way.

    Attributes:
        ids: The prompt's tokens.
        n_new: How many tokens it may write.
        choice: How it chooses the next token.
        is_stop: Whether the tokens written so far hold a stop string.
        written: The tokens written so far.
    """

    ids: Ids
    n_new: int
    choice: Choice
    is_stop: Any
    written: list[int] = field(default_factory=list)
    is_done: bool = False

    def take(self, token: int, ends: frozenset[int]) -> None:
        """Add a token, and see whether it was the last one."""
        self.written.append(token)
        is_last = len(self.written) >= self.n_new or token in ends
        self.is_done = is_last or self.is_stop(self.written)


class GrowingLayer(CacheLayerMixin):
    """One layer's keys and values in a buffer that is allocated once and filled step by step."""

    is_sliding = False

    def __init__(self, kept: tuple[torch.Tensor, torch.Tensor] | None, capacity: int) -> None:
        """``kept``: the states of a common beginning [1, heads, length, width], if any."""
        super().__init__()
        self.kept, self.capacity, self.length = kept, capacity, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate, and copy the common beginning to every row."""
        rows, heads, _, width = key_states.shape
        self.keys = key_states.new_empty(rows, heads, self.capacity, width)
        self.values = value_states.new_empty(rows, heads, self.capacity, value_states.shape[-1])
        self.is_initialized = True
        if self.kept is not None:
            self._write(*self.kept)
            self.kept = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append, and give everything so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self._write(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def _write(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        assert self.keys is not None
        assert self.values is not None
        end = self.length + keys.shape[-2]
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end

    def keep(self, rows: torch.Tensor) -> None:
        """Keep some rows only."""
        assert self.keys is not None
        assert self.values is not None
        self.keys, self.values = self.keys[rows], self.values[rows]

    def get_seq_length(self) -> int:
        """Positions so far."""
        return self.length if self.kept is None else int(self.kept[0].shape[-2])

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Positions attended to, and where they begin."""
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        """What was allocated."""
        return self.capacity


def write(scorer: Scorer, rows: Sequence[Row], ends: frozenset[int]) -> None:
    """Let every row write until it is done; needs a model whose beginnings can be shared."""
    with torch.inference_mode():
        prefix = _common_prefix(scorer, rows)
        before = len(prefix.ids) if prefix is not None else 0
        longest = max(len(row.ids) for row in rows)
        capacity = longest + max(row.n_new for row in rows)
        kept = prefix.layers if prefix is not None else (None,) * scorer.prefixes.n_layers
        layers = [GrowingLayer(states, capacity) for states in kept]
        batch = _Batch(scorer, Cache(layers=layers), list(rows), before, longest - before, capacity)
        logits = batch.read_prompts()
        while True:
            tokens = choose(logits, [row.choice for row in batch.rows])
            for row, token in zip(batch.rows, tokens, strict=True):
                if not row.is_done:
                    row.take(token, ends)
            tokens = batch.drop_done(tokens)
            if not batch.rows:
                return
            logits = batch.read_next(tokens)


def _common_prefix(scorer: Scorer, rows: Sequence[Row]) -> PrefixStates | None:
    """The states of what all prompts begin with, but for the last token of any."""
    first, *others = (row.ids for row in rows)
    length = min([len(first) - 1, *(min(common(first, ids), len(ids) - 1) for ids in others)])
    at_hand = scorer.prefixes.known(first[:length])
    length = length if others else at_hand
    return scorer.prefixes.at(first[:length]) if length >= SHORTEST_PREFIX else None


class _Batch:
    """The rows that still write, their cache and what each may look at."""

    def __init__(
        self,
        scorer: Scorer,
        cache: Cache,
        rows: list[Row],
        before: int,
        width: int,
        capacity: int,
    ) -> None:
        self.scorer, self.cache, self.rows = scorer, cache, rows
        self.before, self.width = before, width
        device, dtype = scorer.device, scorer.model.dtype
        # Prompts end together: padding lies between the common beginning and the rest.
        lengths = torch.tensor([len(row.ids) - before for row in rows])
        self.padding = (width - lengths).to(device)
        self.positions = torch.tensor([len(row.ids) for row in rows], device=device)
        place = torch.arange(capacity, device=device) - before
        hidden = (place >= 0) & (place < self.padding[:, None])
        self.mask = torch.zeros(len(rows), capacity, device=device, dtype=dtype)
        self.mask.masked_fill_(hidden, torch.finfo(dtype).min)
        self.length = before + width

    def read_prompts(self) -> torch.Tensor:
        """Float32 logits of the first new token [rows, vocabulary]."""
        rest = [row.ids[self.before :] for row in self.rows]
        ids = np.zeros((len(rest), self.width), dtype=np.int64)
        for row, tokens in zip(ids, rest, strict=True):
            row[self.width - len(tokens) :] = tokens
        place = torch.arange(self.width, device=self.scorer.device)
        positions = (self.before + place[None] - self.padding[:, None]).clamp_min(self.before)
        blocked = place[None, :] > place[:, None]
        mask = self.mask[:, None, None, : self.length].repeat(1, 1, self.width, 1)
        lowest = torch.finfo(mask.dtype).min
        mask[..., self.before :].masked_fill_(blocked, lowest)
        # A padded place looks at itself, since looking at nothing is not a number.
        itself = torch.arange(self.width, device=mask.device)
        mask[:, :, itself, self.before + itself] = 0
        self.scorer.n_read += sum(map(len, rest))
        return self._logits(torch.from_numpy(ids), positions, mask)

    def read_next(self, tokens: Sequence[int]) -> torch.Tensor:
        """Float32 logits after one more token each [rows, vocabulary]."""
        self.length += 1
        mask = self.mask[:, None, None, : self.length]
        logits = self._logits(torch.tensor(tokens)[:, None], self.positions[:, None], mask)
        # A row that is done waits where it is: further on there may be no position for it.
        goes_on = [int(not row.is_done) for row in self.rows]
        self.positions = self.positions + torch.tensor(goes_on, device=self.positions.device)
        self.scorer.n_read += len(tokens)
        return logits

    def _logits(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        states = self.scorer.outputs(
            input_ids=ids.to(self.scorer.device),
            position_ids=positions,
            attention_mask=mask,
            past_key_values=self.cache,
            use_cache=True,
        )
        return self.scorer.logits(states[:, -1])

    def drop_done(self, tokens: Sequence[int]) -> list[int]:
        """Take rows that are done out, once they are many; returns the tokens of the others."""
        left = [i for i, row in enumerate(self.rows) if not row.is_done]
        if left and len(self.rows) - len(left) < max(1.0, DONE_PART * len(self.rows)):
            return list(tokens)
        self.rows = [self.rows[i] for i in left]
        index = torch.tensor(left, dtype=torch.long, device=self.scorer.device)
        self.mask, self.positions = self.mask[index], self.positions[index]
        if left:
            for layer in self.cache.layers:
                layer.keep(index)
        return [tokens[i] for i in left]
