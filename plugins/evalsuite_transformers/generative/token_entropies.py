"""From hidden states to a model's doubt before tokens and at media; after the head all is float32.

What has a difference from 1 in it is float64: of a probability near 1 nothing else would be left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from evalsuite import TokenEntropyTable
from evalsuite_transformers.generative.token_scores import HEAD_ROWS

# As in the code of Li et al. 2024: a probability of 1 would have an infinite modified entropy.
_LARGEST = 1 - 1e-10

Head = Callable[[torch.Tensor], torch.Tensor]


def entropy_table(
    states: torch.Tensor,
    places: torch.Tensor,
    targets: Sequence[int],
    media: torch.Tensor,
    orders: Sequence[float],
    head: Head,
) -> TokenEntropyTable:
    """The entropies of one continuation, and of the media before it.

    Args:
        states: What the head reads [all places, width].
        places: Row of ``states`` before each target [n].
        targets: Token ids [n].
        media: Rows of ``states`` of the media's tokens [m].
        orders: Of Rényi's entropy, at least 0; 1 and infinity are limits.
        head: Maps states [k, width] to logits [k, vocabulary].
    """
    before, own = [], []
    finite = [order for order in orders if math.isfinite(order)]
    came = torch.tensor(list(targets))
    for logits, which in zip(_logits(states, places, head), came.split(HEAD_ROWS), strict=True):
        before.append(entropies(logits, orders))
        own.append(modified_entropies(logits, which, finite))
    at_media = [entropies(logits, orders) for logits in _logits(states, media, head)]
    return TokenEntropyTable(_rows(before), _rows(own), _rows(at_media))


def _logits(states: torch.Tensor, places: torch.Tensor, head: Head) -> Iterator[torch.Tensor]:
    """Logits of a bounded number of places at a time."""
    for part in places.split(HEAD_ROWS) if len(places) else ():
        yield head(states[part.to(states.device)])


def _rows(parts: Sequence[torch.Tensor]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in torch.cat(list(parts), dim=1).tolist()) if parts else ()


def entropies(logits: torch.Tensor, orders: Sequence[float]) -> torch.Tensor:
    """Rényi entropies in nats of the distributions that logits give, float32 [orders, n].

    Args:
        logits: One row for each token [n, vocabulary].
        orders: At least 0; 1 and infinity are limits.
    """
    logp = logits.float().log_softmax(-1)
    return torch.stack([_entropy(logp, order) for order in orders]).cpu()


def _entropy(logp: torch.Tensor, order: float) -> torch.Tensor:
    if order == 1:
        return torch.special.entr(logp.exp()).sum(-1)
    if math.isinf(order):
        return -logp.amax(-1)
    return (order * logp).logsumexp(-1) / (1 - order)


def modified_entropies(
    logits: torch.Tensor, targets: torch.Tensor, orders: Sequence[float]
) -> torch.Tensor:
    """Modified Rényi entropies of the tokens that came, float64 [orders, n]; see TokenEntropyTable.

    Args:
        logits: Before each token [n, vocabulary].
        targets: The tokens [n].
        orders: Finite ones.
    """
    wide = (logits.cpu() if logits.device.type == "mps" else logits).double()
    p = wide.softmax(-1).clamp(max=_LARGEST)
    which = targets.to(p.device)[:, None]
    own = p.gather(-1, which)[:, 0]
    others = p.scatter(-1, which, 0.0)
    found = [
        -(1 - own) * _gain(own, order) - (others * _gain(1 - others, order)).sum(-1)
        for order in orders
    ]
    return torch.stack(found).cpu() if found else torch.empty(0, len(targets))


def _gain(p: torch.Tensor, order: float) -> torch.Tensor:
    """(p^a - 1) / a with a = |order - 1|; the logarithm in the limit."""
    a = abs(order - 1)
    return (p**a - 1) / a if a else p.log()
