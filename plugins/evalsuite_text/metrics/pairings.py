"""Predictions paired with other samples' references: what a model gets that does not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np


def mismatched(
    keys: Sequence[tuple[str, ...]], rng: np.random.Generator, pairings: int = 1
) -> Iterator[list[int]]:
    """For each row the index of another row, ``pairings`` times; nothing below two rows.

    Every row is taken once per pairing. The rows are put in the order of their keys (their
    content) first, so that the order in which they come does not matter.
    """
    n = len(keys)
    if n < 2:
        return
    order = np.array(sorted(range(n), key=lambda row: keys[row]))
    place = np.argsort(order)
    for shift in rng.choice(np.arange(1, n), size=min(pairings, n - 1), replace=False):
        yield [int(row) for row in order[(place + shift) % n]]
