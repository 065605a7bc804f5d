"""From hidden states to log-probabilities of chosen tokens, without a table of all of them.

The language-model head is applied a chunk of positions at a time, each distinct position once,
however many tokens are asked for there. Everything after the head is in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

# Rows of logits that are in memory at once: 256 x 150,000 float32 are 150 MB.
HEAD_CHUNK = 256
# On a CPU, a block of the head's weights that stays in its cache, and rows that share it.
SLICE_TOKENS, SLICE_ROWS = 4096, 512
# e to this is 0 in float32.
LOWEST = -120.0


@dataclass(frozen=True)
class TokenColumns:
    """One entry for each token asked for, on the CPU; moments are zero unless asked for.

    ``logprobs`` log p of the token; ``greedy`` whether it is the most probable one (the first of
    several); ``means`` and ``deviations`` of log p under p, over the vocabulary.
    """

    logprobs: torch.Tensor
    greedy: torch.Tensor
    means: torch.Tensor
    deviations: torch.Tensor


def read_tokens(
    states: torch.Tensor,
    positions: torch.Tensor,
    targets: torch.Tensor,
    logits_of: Callable[[torch.Tensor], torch.Tensor],
    *,
    with_moments: bool = False,
    linear: torch.nn.Linear | None = None,
) -> TokenColumns:
    """Log-probabilities of tokens at positions.

    Args:
        states: What the head is applied to [all positions, width].
        positions: Row of ``states`` for each token asked for [n].
        targets: The token ids asked for [n].
        logits_of: The head: states [m, width] -> float32 logits [m, vocabulary].
        with_moments: Compute means and deviations too.
        linear: The head itself, where it is nothing but one matrix product: on a CPU it is then
            applied to a slice of the vocabulary at a time, which is faster and needs less memory.
    """
    is_sliced = linear is not None and states.device.type == "cpu"
    needed, at = positions.unique(return_inverse=True)
    order = at.argsort(stable=True)
    targets = targets.to(states.device)[order]
    at = at[order]
    columns = torch.zeros(4, len(targets), device=states.device)
    first = 0
    size = SLICE_ROWS if is_sliced else HEAD_CHUNK
    for begin in range(0, len(needed), size):
        chunk = needed[begin : begin + size]
        last = int(torch.searchsorted(at, begin + len(chunk)))
        rows = at[first:last].to(states.device) - begin
        some, wanted = states[chunk.to(states.device)], targets[first:last]
        if is_sliced and linear is not None:
            columns[:, first:last] = _columns_by_slices(linear, some, rows, wanted, with_moments)
        else:
            columns[:, first:last] = _columns(logits_of(some), rows, wanted, with_moments)
        first = last
    found = torch.empty_like(columns, device="cpu")
    found[:, order] = columns.cpu()
    return TokenColumns(found[0], found[1].bool(), found[2], found[3])


def _columns_by_slices(
    linear: torch.nn.Linear,
    states: torch.Tensor,
    rows: torch.Tensor,
    targets: torch.Tensor,
    with_moments: bool,
) -> torch.Tensor:
    """The same columns as ``_columns`` [4, tokens], summed up slice by slice."""
    sums = _RunningSums(len(states), with_moments)
    chosen = torch.zeros(len(targets))
    for begin in range(0, len(linear.weight), SLICE_TOKENS):
        end = begin + SLICE_TOKENS
        bias = None if linear.bias is None else linear.bias[begin:end]
        logits = torch.nn.functional.linear(states, linear.weight[begin:end], bias).float()
        (inside,) = ((targets >= begin) & (targets < end)).nonzero(as_tuple=True)
        chosen[inside] = logits[rows[inside], targets[inside] - begin]
        sums.add(logits, begin)
    scores = chosen - sums.normaliser()[rows]
    mean, deviation = sums.moments()
    return torch.stack(
        [scores, (sums.best[rows] == targets).float(), mean[rows], deviation[rows]],
    )


class _RunningSums:
    """What is known of each row's distribution after the slices of the vocabulary seen so far.

    Sums are of e^z, z e^z and z^2 e^z, with z a logit less the highest yet: where a slice has a
    higher one, they are moved to it. Taken from z and not from log p, the deviation of a flat
    distribution is not what is left of two large numbers.
    """

    def __init__(self, n_rows: int, with_moments: bool) -> None:
        self.highest = torch.full((n_rows,), torch.finfo(torch.float32).min)
        self.best = torch.zeros(n_rows, dtype=torch.long)
        self.sums = torch.zeros(3 if with_moments else 1, n_rows)

    def add(self, logits: torch.Tensor, begin: int) -> None:
        """Take in the logits [rows, some tokens] of the tokens from ``begin`` on; overwrites them.

        A logit of minus infinity becomes a z whose e^z is 0 but whose product with it is not NaN.
        """
        value, index = logits.max(-1)
        self.best = torch.where(value > self.highest, index + begin, self.best)  # first of equals
        highest = torch.maximum(self.highest, value)
        self._move((self.highest - highest).clamp_min_(LOWEST))
        self.highest = highest
        z = logits.sub_(highest[:, None])
        if len(self.sums) == 1:
            self.sums[0] += z.exp_().sum(-1)
            return
        weights = z.clamp_min_(LOWEST).exp()
        for power, total in enumerate(self.sums):
            total += (weights.mul_(z) if power else weights).sum(-1)

    def _move(self, by: torch.Tensor) -> None:
        """Take z from a highest logit that is higher by ``-by``: z becomes z + by."""
        if len(self.sums) > 1:
            total, first, second = self.sums
            second += by * (2 * first + by * total)
            first += by * total
        self.sums *= by.exp()

    def normaliser(self) -> torch.Tensor:
        """Log of the summed exponentials of the logits [rows]."""
        return self.highest + self.sums[0].log()

    def moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of log p under p [rows]; zeros unless asked for."""
        if len(self.sums) == 1:
            return torch.zeros_like(self.highest), torch.zeros_like(self.highest)
        total, first, second = self.sums
        mean = first / total
        variance = (second / total - mean.square()).clamp_min(0)
        return mean - total.log(), variance.sqrt()


def _columns(
    logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor, with_moments: bool
) -> torch.Tensor:
    """Log p, greediness, mean and deviation [4, tokens] from logits [positions, vocabulary]."""
    chosen = logits[rows, targets]
    best = logits.amax(-1)
    greedy = _is_first_best(logits, rows, targets, chosen, best)
    logp = logits.log_softmax(-1)
    scores = logp[rows, targets]
    mean, deviation = _moments(logp) if with_moments else (best * 0, best * 0)
    return torch.stack([scores, greedy, mean[rows], deviation[rows]])


def _is_first_best(
    logits: torch.Tensor,
    rows: torch.Tensor,
    targets: torch.Tensor,
    chosen: torch.Tensor,
    best: torch.Tensor,
) -> torch.Tensor:
    """Whether a token has the highest logit, and no token before it has the same."""
    greedy = (chosen == best[rows]).float()
    (candidates,) = greedy.nonzero(as_tuple=True)
    if len(candidates):
        first = logits[rows[candidates]].argmax(-1)
        greedy[candidates] = (first == targets[candidates]).float()
    return greedy


def _moments(logp: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of log p under p, over the vocabulary (Zhang et al. 2024)."""
    p = logp.exp()
    # 0 x -inf is 0 here: a token that cannot occur does not count.
    finite = logp.masked_fill(p == 0, 0.0)
    mean = (p * finite).sum(-1)
    variance = (p * finite.square()).sum(-1) - mean.square()
    return mean, variance.clamp_min(0).sqrt()
