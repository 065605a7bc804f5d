"""From hidden states to the score of a continuation; everything after the head is float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from evalsuite import ContinuationScore

# Rows of logits in memory at once: 256 x 150,000 float32 are 150 MB.
HEAD_ROWS = 256


def chosen_scores(
    states: torch.Tensor,
    places: torch.Tensor,
    targets: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each target, and whether it is the most probable token, on the CPU.

    Args:
        states: What the head reads [all places, width].
        places: Row of ``states`` before each target [n]; the head reads each distinct one once.
        targets: Token ids [n].
        head: Maps states [m, width] to logits [m, vocabulary].
    """
    distinct, which = places.unique(return_inverse=True)
    scores, greedy = torch.zeros(len(targets)), torch.zeros(len(targets), dtype=torch.bool)
    for begin in range(0, len(distinct), HEAD_ROWS):
        rows = states[distinct[begin : begin + HEAD_ROWS].to(states.device)]
        logp = head(rows).float().log_softmax(-1)
        (inside,) = ((which >= begin) & (which < begin + len(rows))).nonzero(as_tuple=True)
        at, wanted = (which[inside] - begin).to(logp.device), targets[inside].to(logp.device)
        scores[inside] = logp[at, wanted].cpu()
        greedy[inside] = (logp.argmax(-1)[at] == wanted).cpu()
    return scores, greedy


def as_score(logprobs: torch.Tensor, greedy: torch.Tensor) -> ContinuationScore:
    """The answer for one continuation."""
    return ContinuationScore(
        total=float(logprobs.float().sum()),
        n_tokens=len(logprobs),
        is_greedy=bool(greedy.all()),
        token_logprobs=tuple(logprobs.tolist()),
    )


def split_scores(
    scores: torch.Tensor, greedy: torch.Tensor, counts: Sequence[int]
) -> list[ContinuationScore]:
    """The answers for several continuations of so many tokens each."""
    parts = zip(scores.split(list(counts)), greedy.split(list(counts)), strict=True)
    return [as_score(logprobs, is_best) for logprobs, is_best in parts]
