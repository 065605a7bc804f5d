"""Exact log-probabilities of chosen positions, in batches.

The language-model head is applied at scored positions only, in float32 chunks: there is never a
tensor of [batch, length, vocabulary]. Rows are right padded; with a causal mask the padding cannot
be seen by the tokens before it, so an answer does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from evalsuite_text.encoding import ScoredRow

# Rows of logits that are in memory at once: 256 x 150,000 float32 are 150 MB.
HEAD_CHUNK = 256
TOLERANCE = 1e-3


@dataclass(frozen=True)
class PositionScores:
    """Float32 vectors over the scored positions of one row."""

    logprobs: torch.Tensor
    is_greedy: bool
    means: torch.Tensor
    deviations: torch.Tensor


class Scorer:
    """Scores rows with a causal model, by the fast path where it is exact."""

    def __init__(self, model: Any, pad_id: int) -> None:
        """Compare both paths on three synthetic rows and choose."""
        self.model = model
        self.pad_id = pad_id
        self.path = "head at scored positions"
        self._base = getattr(model, getattr(model, "base_model_prefix", "") or "", None)
        difference = self._difference()
        if difference is None or difference > TOLERANCE:
            self.path = "plain logits"

    def score(self, rows: Sequence[ScoredRow], with_moments: bool = False) -> list[PositionScores]:
        """Scores of each row's tokens from ``start`` on; ``with_moments`` adds mean and sd."""
        with torch.inference_mode():
            hidden, lengths = self._forward(rows, plain=self.path == "plain logits")
            return list(self._read(rows, hidden, lengths, with_moments))

    def _inputs(self, rows: Sequence[ScoredRow]) -> dict[str, torch.Tensor]:
        """Right-padded inputs; the last token of a row is scored but never an input."""
        lengths = [len(row.ids) - 1 for row in rows]
        ids = torch.full((len(rows), max(lengths)), self.pad_id, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : lengths[i]] = torch.tensor(row.ids[:-1])
            mask[i, : lengths[i]] = 1
        device = next(self.model.parameters()).device
        return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}

    def _forward(
        self, rows: Sequence[ScoredRow], *, plain: bool
    ) -> tuple[list[torch.Tensor], bool]:
        """For each row the hidden states (or, plain, the logits) at its scored positions."""
        inputs = self._inputs(rows)
        if plain:
            output = self.model(**inputs, use_cache=False).logits
        else:
            output = self._base(**inputs, use_cache=False).last_hidden_state
        picked = [output[i, row.start - 1 : len(row.ids) - 1] for i, row in enumerate(rows)]
        return picked, plain

    def _read(
        self,
        rows: Sequence[ScoredRow],
        states: list[torch.Tensor],
        are_logits: bool,
        with_moments: bool,
    ) -> Iterator[PositionScores]:
        counts = [len(row.ids) - row.start for row in rows]
        targets = torch.tensor([t for row in rows for t in row.ids[row.start :]])
        flat = torch.cat(states)
        columns = list(self._columns(flat, targets.to(flat.device), are_logits, with_moments))
        logprobs, greedy, means, deviations = (torch.cat(c).cpu() for c in zip(*columns))
        for parts in zip(
            *(column.split(counts) for column in (logprobs, greedy, means, deviations))
        ):
            yield PositionScores(parts[0], bool(parts[1].all()), parts[2], parts[3])

    def _columns(
        self, states: torch.Tensor, targets: torch.Tensor, are_logits: bool, with_moments: bool
    ) -> Iterator[tuple[torch.Tensor, ...]]:
        """Log-probability, greediness and moments, ``HEAD_CHUNK`` positions at a time."""
        head = self.model.get_output_embeddings()
        for part, target in zip(states.split(HEAD_CHUNK), targets.split(HEAD_CHUNK), strict=True):
            logits = (part if are_logits else head(part)).float()
            logp = logits.log_softmax(-1)
            chosen = logp.gather(-1, target[:, None])[:, 0]
            empty = torch.zeros_like(chosen)
            mean, deviation = _moments(logp) if with_moments else (empty, empty)
            yield chosen, logits.argmax(-1) == target, mean, deviation

    def _difference(self) -> float | None:
        """Largest difference of the two paths on synthetic rows; None where fast cannot run."""
        if self._base is None or self.model.get_output_embeddings() is None:
            return None
        vocabulary = self.model.get_output_embeddings().weight.shape[0]
        draw = torch.Generator().manual_seed(0)
        rows = [
            ScoredRow(tuple(torch.randint(vocabulary, (n,), generator=draw).tolist()), 1, 0)
            for n in (3, 7, 12)
        ]
        with torch.inference_mode():
            try:
                fast = list(self._read(rows, *self._forward(rows, plain=False), False))
            except (AttributeError, RuntimeError, TypeError):
                return None  # a base model of another shape: nothing to compare
            plain = list(self._read(rows, *self._forward(rows, plain=True), False))
        return max(float((a.logprobs - b.logprobs).abs().max()) for a, b in zip(fast, plain))


def _moments(logp: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of log p under p, over the vocabulary (Zhang et al. 2024)."""
    p = logp.exp()
    # 0 x -inf is 0 here: a token that cannot occur does not count.
    finite = logp.masked_fill(p == 0, 0.0)
    mean = (p * finite).sum(-1)
    variance = (p * finite.square()).sum(-1) - mean.square()
    return mean, variance.clamp_min(0).sqrt()
