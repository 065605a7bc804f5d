"""Correlation of two columns of numbers, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table
from evalsuite.sliced import SlicedMetric
from evalsuite.statistics import bootstrap_distribution

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Correlation(SlicedMetric):
    """Base; rows with a value in both columns count, the others are counted in ``extra``.

    Undefined: fewer than three rows, or a column that does not vary.

    Attributes:
        first, second: The two columns.
    """

    first: str = "similarity"
    second: str = "score"

    def _score(self, values: npt.NDArray[Any], counts: Floats) -> Floats:
        """Correlations (draws,) of values (n, 2) with counts (draws, n)."""
        raise TypeError(f"{type(self).__name__} does not score")

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        values = np.stack([table.numbers(self.first), table.numbers(self.second)], axis=1)
        kept = np.asarray(~np.isnan(values).any(axis=1))
        part, values = table.where(kept), values[kept]
        if len(values) < 3:
            return [self._nothing("fewer than three rows have both values", label, len(values))]
        if (np.ptp(values, axis=0) == 0).any():
            constant = self.first if np.ptp(values[:, 0]) == 0 else self.second
            return [self._nothing(f"{constant} does not vary", label, len(values))]
        found = bootstrap_distribution(values, self._score, rng=rng, clusters=self._units(part))
        null = Null(0.0, self.margin, "above", "the two are unrelated")
        return [self._made(found, part, label, null, n_without_value=int((~kept).sum()))]


@dataclass(frozen=True, kw_only=True)
class Pearson(Correlation):
    """Linear correlation: cov(x, y) / √(var x · var y). Range [−1, 1]; the null is 0."""

    name: str = "Pearson correlation"

    def _score(self, values: npt.NDArray[Any], counts: Floats) -> Floats:
        return _weighted_pearson(values[None, :, 0], values[None, :, 1], counts)


@dataclass(frozen=True, kw_only=True)
class Spearman(Correlation):
    """Correlation of ranks, ties at their mean rank. Range [−1, 1]; the null is 0.

    Every resample is ranked anew. Reference: Spearman 1904.
    """

    name: str = "Spearman correlation"

    def _score(self, values: npt.NDArray[Any], counts: Floats) -> Floats:
        first, second = (_ranks(values[:, column], counts) for column in (0, 1))
        return _weighted_pearson(first, second, counts)


def _ranks(values: Floats, counts: Floats) -> Floats:
    """Mean ranks (draws, n) of values (n,) of which each draw holds ``counts`` copies."""
    _, level = np.unique(values, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.flatnonzero(np.diff(level[order], prepend=-1))
    copies = np.add.reduceat(counts[:, order], starts, axis=1)
    below = np.cumsum(copies, axis=1) - copies
    return np.asarray((below + (copies + 1) / 2)[:, level])


def _weighted_pearson(first: Floats, second: Floats, counts: Floats) -> Floats:
    """Correlation of each draw; NaN where one side does not vary."""
    total = counts.sum(axis=1, keepdims=True)
    x = first - (counts * first).sum(axis=1, keepdims=True) / total
    y = second - (counts * second).sum(axis=1, keepdims=True) / total
    above = (counts * x * y).sum(axis=1)
    spread = np.sqrt((counts * x * x).sum(axis=1) * (counts * y * y).sum(axis=1))
    return np.asarray(above / np.where(spread > 1e-12, spread, np.nan))
