"""How good and how bad any ranking of an input's features could be, for the measure of erasing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Coalitions: TypeAlias = npt.NDArray[np.bool_]
Values: TypeAlias = npt.NDArray[np.float64]
Asking: TypeAlias = Callable[[Coalitions], Generator[Any, Any, Values]]
Bounds: TypeAlias = tuple[float, float]

# 2^12 inputs are the most that are asked about one sample.
MOST_EXACT = 12


def erasing_area(values: Sequence[float]) -> float:
    """Mean drop over the steps of erasing features one by one, until none is left.

    Args:
        values: The target with 0, 1, ..., n features taken away [n + 1].

    Reference: Edin et al. 2024, Normalized AOPC, equation 1 (which averages over the n steps).
    """
    return float(np.mean(values[0] - np.asarray(values[1:], dtype=float)))


def steps_of(order: Sequence[int]) -> Coalitions:
    """Which features are present while they are taken away in an order [n + 1, n]."""
    present = np.ones((len(order) + 1, len(order)), dtype=bool)
    for step, feature in enumerate(order, start=1):
        present[step:, feature] = False
    return present


def every_coalition(n: int) -> Coalitions:
    """All subsets of n features; bit i of a row's number says that feature i is absent [2^n, n]."""
    return ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) == 0


def exact_bounds(values: Values) -> Bounds:
    """The lowest and highest area of erasing over all n! orders.

    The best way to have erased a set ends with one of its members, so the orders need not be
    listed: every subset is looked at once.

    Args:
        values: The target for ``every_coalition(n)`` [2^n].
    """
    drops = values[0] - values
    low, high = np.zeros(len(values)), np.zeros(len(values))
    n = len(values).bit_length() - 1
    for erased in range(1, len(values)):
        before = [erased ^ (1 << i) for i in range(n) if erased >> i & 1]
        low[erased] = drops[erased] + min(low[b] for b in before)
        high[erased] = drops[erased] + max(high[b] for b in before)
    return float(low[-1] / n), float(high[-1] / n)


def beam_bounds(n: int, ask: Asking, width: int) -> Generator[Any, Any, Bounds]:
    """The lowest and highest area that a beam search over orders finds: never beyond the exact.

    Args:
        n: Number of features.
        ask: Values of coalitions, e.g. ``Game.values``.
        width: Orders that are kept at every step, for each of the two bounds.
    """
    (full,) = yield from ask(np.ones((1, n), dtype=bool))
    lows: dict[frozenset[int], float] = {frozenset(): 0.0}
    highs = dict(lows)
    for _ in range(n):
        grown = sorted(
            {b | {i} for b in (*lows, *highs) for i in range(n) if i not in b}, key=sorted
        )
        present = np.array([[i not in erased for i in range(n)] for erased in grown])
        values = yield from ask(present)
        drops = {erased: float(full - value) for erased, value in zip(grown, values)}
        lows = _kept(lows, drops, width, 1.0)
        highs = _kept(highs, drops, width, -1.0)
    return min(lows.values()) / n, max(highs.values()) / n


def _kept(
    beam: dict[frozenset[int], float], drops: dict[frozenset[int], float], width: int, sign: float
) -> dict[frozenset[int], float]:
    """The sets of one feature more with the lowest (sign 1) or highest (-1) sums of drops."""
    found: dict[frozenset[int], float] = {}
    for before, total in beam.items():
        for erased, drop in drops.items():
            if before < erased:
                own = total + drop
                found[erased] = min(found.get(erased, own), own, key=lambda v: sign * v)
    order = sorted(found, key=lambda erased: (sign * found[erased], sorted(erased)))
    return {erased: found[erased] for erased in order[:width]}
