"""Exact log-probabilities of chosen positions, with what rows share read once.

Rows are gathered in a token tree; ``packing`` plans how to read it; the head is applied where a
score is needed. Before a model is used, synthetic rows go through the fast and the plain path, and
a model for which they differ is scored by a plainer one:

- ``shared beginnings``: packed rows and kept prefixes;
- ``separate rows``: each row by itself, right padded, the head at scored positions only;
- ``plain logits``: the model's own logits of whole rows, for models that do something to them
  after the head, or have no separate head.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache

from evalsuite_text.scoring.costs import cost_model
from evalsuite_text.scoring.encoding import ScoredRow
from evalsuite_text.scoring.head import read_tokens
from evalsuite_text.scoring.packing import (
    CostModel,
    Group,
    Limits,
    PackedRow,
    batches,
    filled,
    lay_out,
    partition,
    separately,
)
from evalsuite_text.scoring.prefix_states import PrefixMemory, PrefixStates
from evalsuite_text.scoring.readout import Readout, find_readouts
from evalsuite_text.scoring.token_tree import TokenTree, grow
from evalsuite_transformers.reach import positions_of, reach_of

LIMITS = Limits(n_tokens=8_192, n_pairs=2**24)
# On the plain path a token's output is as wide as the vocabulary.
PLAIN_LIMITS = Limits(n_tokens=1_024, n_pairs=2**24)
TOLERANCE = 1e-3
SHARED, SEPARATE, PLAIN = "shared beginnings", "separate rows", "plain logits"
NEVER = float("inf")


@dataclass(frozen=True)
class PositionScores:
    """Float32 vectors over the scored positions of one row; moments are zero unless asked for."""

    logprobs: torch.Tensor
    is_greedy: bool
    means: torch.Tensor
    deviations: torch.Tensor


class Scorer:
    """Scores rows with a causal model, by the fastest path that is exact.

    Attributes:
        path: ``shared beginnings``, ``separate rows`` or ``plain logits``.
        reach: Beginnings are shared among rows of at most so many tokens: within it, a sliding
            window hides nothing, and rotary angles do not depend on the row's length.
        readout: What of the last layer is left out at positions that are not scored.
        n_read: Tokens read so far, padding left out.
        n_scored: Positions that the head was applied to so far.
    """

    def __init__(self, model: Any, pad_id: int) -> None:
        """Compare the paths on synthetic rows and choose."""
        self.model = model
        self.pad_id = pad_id
        self._base: Any = getattr(model, getattr(model, "base_model_prefix", "") or "", None)
        self._head: Any = model.get_output_embeddings()
        self._linear = self._head if type(self._head) is torch.nn.Linear else None
        self.cost = cost_model(model)
        self.reach = reach_of(model.config.get_text_config())
        self.n_read = self.n_scored = 0
        self.path, self.readout = SHARED, Readout()
        n_layers = int(getattr(model.config.get_text_config(), "num_hidden_layers", 0) or 0)
        self.prefixes = PrefixMemory(n_layers, self._read_prefix)
        self.path = self._exact_path()

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        device: torch.device = self.model.get_input_embeddings().weight.device
        return device

    def score(self, rows: Sequence[ScoredRow], with_moments: bool = False) -> list[PositionScores]:
        """Scores of each row's tokens from ``start`` on; ``with_moments`` adds mean and sd."""
        found: list[Any] = [None] * len(rows)
        shares = [self.path == SHARED and len(row.ids) <= self.reach for row in rows]
        with torch.inference_mode():
            for is_shared in (True, False):
                some = [index for index, value in enumerate(shares) if value == is_shared]
                self._score_some(some, rows, is_shared, with_moments, found)
        return found

    def _score_some(
        self,
        indices: Sequence[int],
        rows: Sequence[ScoredRow],
        is_shared: bool,
        with_moments: bool,
        found: list[Any],
    ) -> None:
        """Fill in the scores of some rows, by sharing beginnings or not."""
        if not indices:
            return
        some = [rows[index] for index in indices]
        scores: list[Any] = [None] * len(some)
        tree = grow(some)
        plan = partition(tree, self.cost, self.prefixes.known) if is_shared else separately(tree)
        for group in plan:
            prefix = self.prefixes.at(tree.ids[group.row][: group.depth]) if group.depth else None
            for batch in self._batches(group, tree, is_shared):
                self._score_batch(batch, prefix, some, with_moments, scores)
        for index, score in zip(indices, scores, strict=True):
            found[index] = score

    def outputs(self, **inputs: Any) -> torch.Tensor:
        """One pass: hidden states [batch, length, width], or logits on the plain path."""
        inputs.setdefault("use_cache", False)
        output: torch.Tensor
        if self.path == PLAIN:
            output = self.model(**inputs).logits
        else:
            output = self._base(**inputs).last_hidden_state
        return output

    def logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Float32 logits [..., vocabulary] of some positions of ``outputs``."""
        return (outputs if self.path == PLAIN else self._head(outputs)).float()

    def forget(self) -> None:
        """Give the memory of kept prefixes back."""
        self.prefixes.clear()

    def _batches(self, group: Group, tree: TokenTree, is_shared: bool) -> list[list[PackedRow]]:
        rows = [lay_out(unit, tree) for unit in group.units]
        if is_shared:
            rows = filled(rows, self.cost.bin_size(group.depth))
        chains = [row for row in rows if not group.depth and row.is_chain]
        others = [row for row in rows if group.depth or not row.is_chain]
        limits = PLAIN_LIMITS if self.path == PLAIN else LIMITS
        return [
            *batches(chains, 0, limits, self.cost),
            *batches(others, group.depth, limits, self.cost),
        ]

    def _score_batch(
        self,
        batch: Sequence[PackedRow],
        prefix: PrefixStates | None,
        rows: Sequence[ScoredRow],
        with_moments: bool,
        found: list[Any],
    ) -> None:
        """Read some packed rows, and fill in the scores of the sequences in them."""
        width = max(len(row.ids) for row in batch)
        members = [
            (
                index,
                places[rows[index].start - 1 - first : len(rows[index].ids) - 1 - first]
                + i * width,
            )
            for i, packed in enumerate(batch)
            for index, first, places in packed.reads
        ]
        targets = [rows[index].ids[rows[index].start :] for index, _ in members]
        positions = np.concatenate([places for _, places in members])
        needed = np.unique(positions)
        self.n_scored += len(needed)
        with self.readout.at(torch.from_numpy(needed), len(batch) * width):
            states = self._read(batch, prefix)
        columns = read_tokens(
            states.flatten(0, 1),
            torch.from_numpy(positions),
            torch.tensor([token for tokens in targets for token in tokens]),
            self.logits,
            with_moments=with_moments,
            linear=self._linear if self.path != PLAIN else None,
        )
        counts = [len(tokens) for tokens in targets]
        split = zip(
            columns.logprobs.split(counts),
            columns.greedy.split(counts),
            columns.means.split(counts),
            columns.deviations.split(counts),
        )
        for (index, _), (logprobs, greedy, means, deviations) in zip(members, split, strict=True):
            found[index] = PositionScores(logprobs, bool(greedy.all()), means, deviations)

    def _read(self, batch: Sequence[PackedRow], prefix: PrefixStates | None) -> torch.Tensor:
        """Outputs [rows, length, ...] of packed rows after a prefix."""
        self.n_read += sum(len(row.ids) for row in batch)
        if prefix is None and all(row.is_chain for row in batch):
            return self.outputs(**self._padded([row.ids for row in batch]))
        return self.outputs(**self._packed(batch, prefix))

    def _padded(self, rows: Sequence[Any]) -> dict[str, torch.Tensor]:
        """Right-padded inputs.

        Positions are the model's own to count: from 0 for most, from the padding id + 1 for the
        RoBERTa family. Both are right for right padding.
        """
        ids, mask = (
            _matrix(rows, self.pad_id),
            _matrix([np.ones(len(r), np.int64) for r in rows], 0),
        )
        return {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}

    def _packed(self, batch: Sequence[PackedRow], prefix: PrefixStates | None) -> dict[str, Any]:
        """Inputs with explicit positions and a mask [rows, 1, length, prefix + length]."""
        before = len(prefix.ids) if prefix is not None else 0
        ids = _matrix([row.ids for row in batch], self.pad_id).to(self.device)
        positions = _matrix([row.positions for row in batch], 0).to(self.device)
        ends = _matrix([row.ends for row in batch], 0).to(self.device)
        place = torch.arange(ids.shape[1], device=self.device)
        seen = (place[None, :] <= place[:, None]) & (place[:, None] < ends[:, None, :])
        seen |= torch.eye(len(place), dtype=torch.bool, device=self.device)  # padding: no NaN
        mask = torch.zeros(len(batch), 1, len(place), before + len(place), device=self.device)
        mask[:, 0, :, before:].masked_fill_(~seen, torch.finfo(self.model.dtype).min)
        inputs = {"input_ids": ids, "position_ids": positions}
        if prefix is not None:
            inputs |= {"past_key_values": prefix.cache(), "use_cache": True}
        return {**inputs, "attention_mask": mask.to(self.model.dtype)}

    def _read_prefix(self, ids: torch.Tensor, cache: Cache) -> None:
        """Run the model over the tokens of a prefix, for its keys and values."""
        self.n_read += ids.shape[1]
        with self.readout.at(torch.empty(0, dtype=torch.long), ids.shape[1]):
            self.outputs(input_ids=ids.to(self.device), past_key_values=cache, use_cache=True)

    def _exact_path(self) -> str:
        """The first path whose log-probabilities are those of the plain one, up to TOLERANCE."""
        if self._base is None or self._head is None:
            return PLAIN
        # A GPU is lost to a process that looks up a position beyond the last one.
        n_positions = positions_of(self.model.config.get_text_config()) or self.reach
        rows = _synthetic_rows(self._head.weight.shape[0], min(self.reach, n_positions))
        plain = self._trial(rows, PLAIN, self.cost)
        if plain is None:
            return PLAIN
        # In half precision a path may also differ by the last digit of the plain one's logits.
        tolerance = TOLERANCE + torch.finfo(self.model.dtype).eps * float(plain.abs().max())
        # One plan that packs whatever it can, and one that keeps whatever it can.
        plans = (CostModel(1e9, NEVER), CostModel(1e-3, 0.0, 0.0))
        readouts = (self._readout(rows[-1]), Readout())
        for path, readout in product((SHARED, SEPARATE), readouts):
            self.readout = readout
            tried = [self._trial(rows, path, cost) for cost in plans]
            if all(t is not None and float((t - plain).abs().max()) <= tolerance for t in tried):
                return path
        return PLAIN

    def _readout(self, row: ScoredRow) -> Readout:
        """What of the last layer matters only where its output is read."""
        ids = torch.tensor([row.ids], device=self.device)
        self.path = SHARED
        try:
            found = find_readouts(self._base, lambda: self.outputs(input_ids=ids)[:, -1])
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
            return Readout()  # a model that has no gradients
        return found.get(len(row.ids) - 1, Readout())

    def _trial(self, rows: Sequence[ScoredRow], path: str, cost: CostModel) -> Any:
        """All log-probabilities by one path, or None where the model cannot be run like that."""
        self.path, self.cost, own = path, cost, self.cost
        self.prefixes.clear()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return torch.cat([scores.logprobs for scores in self.score(rows)])
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
            return None  # a model of another shape: nothing to compare
        finally:
            self.cost, self.n_read, self.n_scored = own, 0, 0
            self.prefixes.clear()


def _synthetic_rows(vocabulary: int, reach: int) -> list[ScoredRow]:
    """Three requests that share a beginning, and one that shares nothing."""
    draw = np.random.default_rng(0)
    length = min(24, max(2, reach - 8))
    stem = draw.integers(vocabulary, size=length).tolist()
    tails = [draw.integers(vocabulary, size=n).tolist() for n in (3, 5, 6)]
    rows = [ScoredRow((*stem, *tail), length, 0) for tail in tails]
    other = draw.integers(vocabulary, size=7).tolist()
    return [*rows, ScoredRow(tuple(other), 1, 0)]


def _matrix(rows: Sequence[Any], fill: int) -> torch.Tensor:
    """Rows of numbers, right padded."""
    matrix = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return torch.from_numpy(matrix)
