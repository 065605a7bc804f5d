"""Exact log-probabilities of chosen positions, in batches.

The language-model head is applied at scored positions only, a chunk at a time: there is never a
tensor of [batch, length, vocabulary]. Softmax and sums are in float32 whatever the weights are.
Rows are right padded; with a causal mask the padding cannot be seen by the tokens before it, so an
answer does not depend on its batch.

Rows that read the same ids (choices that differ in their last token only) are computed once.
Sharing a common beginning of longer rows belongs in ``Scorer._outputs_of``, which alone knows what
a forward pass is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from evalsuite_text.encoding import ScoredRow

# Rows of logits that are in memory at once: 256 x 150,000 float32 are 150 MB.
HEAD_CHUNK = 256
# Tokens of one forward pass over the windows of long documents.
WINDOW_TOKENS = 16_384
TOLERANCE = 1e-3
FAST, PLAIN = "head at scored positions", "plain logits"


@dataclass(frozen=True)
class PositionScores:
    """Float32 vectors over the scored positions of one row; moments are zero unless asked for."""

    logprobs: torch.Tensor
    is_greedy: bool
    means: torch.Tensor
    deviations: torch.Tensor


class Scorer:
    """Scores rows with a causal model, by the fast path where it is exact.

    Attributes:
        path: ``head at scored positions``, or ``plain logits`` for a model that does something
            to its logits after the head (soft capping, scaling), or has no separate head.
    """

    def __init__(self, model: Any, pad_id: int) -> None:
        """Compare both paths on three synthetic rows and choose."""
        self.model = model
        self.pad_id = pad_id
        self._base: Any = getattr(model, getattr(model, "base_model_prefix", "") or "", None)
        self._head: Any = model.get_output_embeddings()
        difference = self._difference()
        self.path = PLAIN if difference is None or difference > TOLERANCE else FAST

    def score(self, rows: Sequence[ScoredRow], with_moments: bool = False) -> list[PositionScores]:
        """Scores of each row's tokens from ``start`` on; ``with_moments`` adds mean and sd."""
        with torch.inference_mode():
            read = list(dict.fromkeys(row.ids[:-1] for row in rows))
            outputs = dict(zip(read, self._outputs_of(read)))
            states = [outputs[row.ids[:-1]][row.start - 1 : len(row.ids) - 1] for row in rows]
            return list(self._read(rows, states, with_moments))

    def score_windows(
        self, rows: Sequence[ScoredRow], with_moments: bool = False
    ) -> list[PositionScores]:
        """As ``score``, a few windows at a time: one document may have any number of them."""
        longest = max((len(row.ids) for row in rows), default=1)
        size = max(1, WINDOW_TOKENS // longest)
        batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        return [scores for batch in batches for scores in self.score(batch, with_moments)]

    def outputs(self, **inputs: torch.Tensor) -> torch.Tensor:
        """One pass: hidden states [batch, length, width], or logits on the plain path."""
        return self._run(self.path, inputs)

    def logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Float32 logits [..., vocabulary] of some positions of ``outputs``."""
        return (outputs if self.path == PLAIN else self._head(outputs)).float()

    def _run(self, path: str, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        output: torch.Tensor
        if path == PLAIN:
            output = self.model(**inputs, use_cache=False).logits
        else:
            output = self._base(**inputs, use_cache=False).last_hidden_state
        return output

    def _outputs_of(self, rows: Sequence[tuple[int, ...]]) -> torch.Tensor:
        return self.outputs(**self._padded(rows))

    def _padded(self, rows: Sequence[tuple[int, ...]]) -> dict[str, torch.Tensor]:
        """Right-padded inputs.

        Positions are the model's own to count: from 0 for most, from the padding id + 1 for the
        RoBERTa family. Both are right for right padding.
        """
        lengths = [len(row) for row in rows]
        ids = torch.full((len(rows), max(lengths)), self.pad_id, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : lengths[i]] = torch.tensor(row)
            mask[i, : lengths[i]] = 1
        device = next(self.model.parameters()).device
        return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}

    def _read(
        self, rows: Sequence[ScoredRow], states: Sequence[torch.Tensor], with_moments: bool
    ) -> Iterator[PositionScores]:
        counts = [len(row.ids) - row.start for row in rows]
        targets = torch.tensor([t for row in rows for t in row.ids[row.start :]])
        flat = torch.cat(list(states))
        columns = list(self._columns(flat, targets.to(flat.device), with_moments))
        joined = [torch.cat(column).cpu().split(counts) for column in zip(*columns)]
        for logprobs, greedy, means, deviations in zip(*joined):
            yield PositionScores(logprobs, bool(greedy.all()), means, deviations)

    def _columns(
        self, states: torch.Tensor, targets: torch.Tensor, with_moments: bool
    ) -> Iterator[tuple[torch.Tensor, ...]]:
        """Log-probability, greediness and moments, ``HEAD_CHUNK`` positions at a time."""
        for part, target in zip(states.split(HEAD_CHUNK), targets.split(HEAD_CHUNK), strict=True):
            logits = self.logits(part)
            logp = logits.log_softmax(-1)
            chosen = logp.gather(-1, target[:, None])[:, 0]
            empty = torch.zeros_like(chosen)
            mean, deviation = _moments(logp) if with_moments else (empty, empty)
            yield chosen, logits.argmax(-1) == target, mean, deviation

    def _difference(self) -> float | None:
        """Largest difference of log p between the paths; None where the fast one cannot run.

        The head is applied to all positions here, so that both paths multiply matrices of the
        same shape: in half precision another shape may round otherwise, which is no reason to
        refuse the fast path.
        """
        if self._base is None or self._head is None:
            return None
        vocabulary = self._head.weight.shape[0]
        draw = torch.Generator().manual_seed(0)
        rows = [tuple(torch.randint(vocabulary, (n,), generator=draw).tolist()) for n in (3, 7, 12)]
        inputs = self._padded(rows)
        real = inputs["attention_mask"].bool()
        with torch.inference_mode():
            try:
                fast = self._head(self._run(FAST, inputs))[real].float().log_softmax(-1)
            except (AttributeError, RuntimeError, TypeError):
                return None  # a base model of another shape: nothing to compare
            plain = self._run(PLAIN, inputs)[real].float().log_softmax(-1)
        return float((fast - plain).abs().max()) if fast.shape == plain.shape else None


def _moments(logp: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of log p under p, over the vocabulary (Zhang et al. 2024)."""
    p = logp.exp()
    # 0 x -inf is 0 here: a token that cannot occur does not count.
    finite = logp.masked_fill(p == 0, 0.0)
    mean = (p * finite).sum(-1)
    variance = (p * finite.square()).sum(-1) - mean.square()
    return mean, variance.clamp_min(0).sqrt()
