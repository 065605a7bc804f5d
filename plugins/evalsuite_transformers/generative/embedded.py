"""Scores and text from ``inputs_embeds``: media are encoded once, each prompt read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from evalsuite import ContinuationScore, TokenEntropyTable
from evalsuite_transformers.generative.packing import Pack, pack
from evalsuite_transformers.generative.prompt import Prompt
from evalsuite_transformers.generative.reading import FEATURE, Bank, Integers, Reader, Reading
from evalsuite_transformers.generative.token_entropies import entropy_table
from evalsuite_transformers.generative.token_scores import chosen_scores, split_scores
from evalsuite_transformers.reach import reach_of

Tail = tuple[int, ...]
# Symbols, and pairs of them in masks, of one pass.
_PASS_SYMBOLS, _PASS_PAIRS = 8_192, 2**24


class EmbeddedModel:
    """A generative model that reads vectors.

    Attributes:
        n_read: Symbols read so far when scoring, padding left out.
        shares: Whether rows are packed; else each stands by itself.
    """

    def __init__(self, module: Any, reader: Reader, pad_id: int) -> None:
        """Find the model below the head, and how far packed rows may reach."""
        self.module, self.reader, self.pad_id = module, reader, pad_id
        self.base: Any = getattr(module, module.base_model_prefix)
        self.head: Any = module.get_output_embeddings()
        self.reach = reach_of(module.config.get_text_config())
        self.shares = True
        self.n_read = 0

    def score(self, rows: Sequence[tuple[Prompt, Tail]]) -> list[ContinuationScore]:
        """Log P(tail | prompt) for each row."""
        readings, packs, bank = self._packed(rows)
        found: list[Any] = [None] * len(rows)
        with torch.inference_mode():
            for batch in _batches(packs):
                self._score_batch(batch, readings, [tail for _, tail in rows], bank, found)
        return found

    def entropies(
        self, rows: Sequence[tuple[Prompt, Tail]], orders: Sequence[float], *, with_media: bool
    ) -> list[TokenEntropyTable]:
        """Entropies before each token of each tail, and at the media."""
        readings, packs, bank = self._packed(rows)
        found: list[Any] = [None] * len(rows)
        with torch.inference_mode():
            for batch in _batches(packs):
                states = self._states(batch, bank)
                members = [
                    (own, *member)
                    for own, one in zip(states, batch, strict=True)
                    for member in one.members
                ]
                for own, index, places in members:
                    reading = readings[index]
                    is_medium = (reading.symbols >= FEATURE) & with_media
                    found[index] = entropy_table(
                        own,
                        torch.from_numpy(places[len(reading) - 1 :]),
                        rows[index][1],
                        torch.from_numpy(places[: len(reading)][is_medium]),
                        orders,
                        self.head,
                    )
        return found

    def _packed(
        self, rows: Sequence[tuple[Prompt, Tail]]
    ) -> tuple[list[Reading], list[Pack], Bank]:
        """The readings of the prompts, and these with their tails in packs."""
        readings, bank = self.reader.read([prompt for prompt, _ in rows])
        # The last token of a tail is scored, never read.
        extended = [
            reading.extended(tail[:-1]) for reading, (_, tail) in zip(readings, rows, strict=True)
        ]
        return readings, pack(extended, shares=self.shares, reach=self.reach), bank

    def _score_batch(
        self,
        batch: Sequence[Pack],
        readings: Sequence[Reading],
        tails: Sequence[Tail],
        bank: Bank,
        found: list[Any],
    ) -> None:
        states = self._states(batch, bank)
        width = states.shape[1]
        members = [
            (index, places[len(readings[index]) - 1 :] + row * width)
            for row, one in enumerate(batch)
            for index, places in one.members
        ]
        counts = [len(tails[index]) for index, _ in members]
        targets = torch.tensor([token for index, _ in members for token in tails[index]])
        places = torch.from_numpy(np.concatenate([places for _, places in members]))
        scores, greedy = chosen_scores(states.flatten(0, 1), places, targets, self.head)
        answers = split_scores(scores, greedy, counts)
        for (index, _), answer in zip(members, answers, strict=True):
            found[index] = answer

    def _states(self, batch: Sequence[Pack], bank: Bank) -> torch.Tensor:
        """Last hidden states [packs, longest, width]."""
        longest = max(len(one.symbols) for one in batch)
        symbols = np.full((len(batch), longest), self.pad_id, np.int64)
        positions = np.zeros((self.reader.n_axes, len(batch), longest), np.int64)
        for row, one in enumerate(batch):
            n = len(one.symbols)
            symbols[row, :n] = one.symbols
            positions[:, row, :n] = np.concatenate(one.positions, axis=1)
            self.n_read += n
        output = self.base(
            inputs_embeds=self.reader.vectors(symbols, bank),
            position_ids=self.reader.position_ids(positions),
            attention_mask=self._mask(batch, longest),
            use_cache=False,
        )
        states: torch.Tensor = output.last_hidden_state
        if states.shape[:2] != symbols.shape:
            raise ValueError(f"{symbols.shape} symbols gave states of {tuple(states.shape)}")
        return states

    def _mask(self, batch: Sequence[Pack], longest: int) -> torch.Tensor:
        """Zeros and ones [packs, longest]; where something branches, additive by pairs."""
        device = self.reader.device
        if all(one.is_chain for one in batch):
            mask = torch.zeros(len(batch), longest, dtype=torch.long)
            for row, one in enumerate(batch):
                mask[row, : len(one.symbols)] = 1
            return mask.to(device)
        ends = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, one in enumerate(batch):
            ends[row, : len(one.symbols)] = torch.tensor(one.ends)
        place = torch.arange(longest, device=device)
        seen = (place[None, :] <= place[:, None]) & (place[:, None] < ends.to(device)[:, None, :])
        seen |= torch.eye(longest, dtype=torch.bool, device=device)  # padding sees itself: no NaN
        mask = torch.zeros(seen.shape, device=device, dtype=self.module.dtype)
        return mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)[:, None]

    def first_step(
        self, readings: Sequence[Reading], bank: Bank
    ) -> tuple[torch.Tensor, Any, torch.Tensor]:
        """Read left-padded prompts; logits [rows, vocabulary], cache, mask [rows, longest]."""
        longest = max(map(len, readings))
        symbols = np.full((len(readings), longest), self.pad_id, np.int64)
        positions = np.zeros((self.reader.n_axes, len(readings), longest), np.int64)
        mask = torch.zeros(len(readings), longest, dtype=torch.long)
        for row, reading in enumerate(readings):
            gap = longest - len(reading)
            symbols[row, gap:] = reading.symbols
            positions[:, row, gap:] = reading.positions
            mask[row, gap:] = 1
        mask = mask.to(self.reader.device)
        logits, cache = self._step(
            self.reader.vectors(symbols, bank), positions, mask, past_key_values=None
        )
        return logits, cache, mask

    def next_step(
        self, tokens: Integers, positions: Integers, mask: torch.Tensor, cache: Any
    ) -> tuple[torch.Tensor, Any]:
        """Read one more token for each row at its position [rows]."""
        column = np.broadcast_to(positions[None, :, None], (self.reader.n_axes, len(tokens), 1))
        vectors = self.reader.vectors(tokens[:, None], Bank({}))
        return self._step(vectors, column, mask, past_key_values=cache)

    def _step(
        self, vectors: torch.Tensor, positions: Integers, mask: torch.Tensor, **cache: Any
    ) -> tuple[torch.Tensor, Any]:
        output = self.base(
            inputs_embeds=vectors,
            position_ids=self.reader.position_ids(positions),
            attention_mask=mask,
            use_cache=True,
            **cache,
        )
        return self.head(output.last_hidden_state[:, -1]).float(), output.past_key_values


def _batches(packs: Sequence[Pack]) -> Iterator[list[Pack]]:
    """Packs of like length, chains apart from those that need a mask by pairs."""
    order = sorted(packs, key=lambda one: (one.is_chain, -len(one.symbols)))
    batch: list[Pack] = []
    for one in order:
        longest = len(batch[0].symbols) if batch else 0
        n = len(batch) + 1
        is_full = n * longest > _PASS_SYMBOLS or n * longest**2 > _PASS_PAIRS
        if batch and (is_full or one.is_chain != batch[0].is_chain):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
