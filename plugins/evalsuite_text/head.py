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
) -> TokenColumns:
    """Log-probabilities of tokens at positions.

    Args:
        states: What the head is applied to [all positions, width].
        positions: Row of ``states`` for each token asked for [n].
        targets: The token ids asked for [n].
        logits_of: The head: states [m, width] -> float32 logits [m, vocabulary].
        with_moments: Compute means and deviations too.
    """
    needed, at = positions.unique(return_inverse=True)
    order = at.argsort(stable=True)
    targets = targets.to(states.device)[order]
    at = at[order]
    columns = torch.zeros(4, len(targets), device=states.device)
    first = 0
    for begin in range(0, len(needed), HEAD_CHUNK):
        chunk = needed[begin : begin + HEAD_CHUNK]
        last = int(torch.searchsorted(at, begin + len(chunk)))
        logits = logits_of(states[chunk.to(states.device)])
        rows = at[first:last].to(states.device) - begin
        columns[:, first:last] = _columns(logits, rows, targets[first:last], with_moments)
        first = last
    found = torch.empty_like(columns, device="cpu")
    found[:, order] = columns.cpu()
    return TokenColumns(found[0], found[1].bool(), found[2], found[3])


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
