"""Estimates of statistics of column totals: corpus BLEU, F1, word information lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Direction, Estimate, Null, Table
from evalsuite.statistics import totals_distribution
from evalsuite.summaries import Summary

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TotalsMetric(Summary):
    """Base: a subclass says which columns are summed and what the sums' statistic is.

    The interval is a percentile bootstrap over rows, or over whole clusters. Rows in which a
    column is missing are left out and counted. Undefined: where no row is left, or the statistic
    of all rows is NaN, for the subclass's ``why_undefined``.

    Attributes:
        margin: Smallest departure from the null that matters, for subclasses that make one.
    """

    margin: float = 0.0
    direction: Direction = "higher is better"

    def columns_of(self, table: Table) -> Floats:
        """What is summed, shape [rows, columns]."""
        raise TypeError(f"{type(self).__name__} names no columns")

    def score(self, totals: Floats) -> Floats:
        """The statistic of sums [draws, columns], shape [draws]; NaN where undefined."""
        raise TypeError(f"{type(self).__name__} does not score")

    def null_of(self, table: Table) -> Null | None:
        """What there would be if there were nothing to find; None when nobody can say."""
        del table
        return self.null

    @property
    def why_undefined(self) -> str:
        """The reason when there is no number."""
        return "the statistic has no value on these samples"

    def _null(self, table: Table) -> Null | None:
        return self.null_of(table)

    def _one(self, table: Table, rng: np.random.Generator, slice_name: str) -> Estimate:
        columns = self.columns_of(table)
        kept = np.asarray(~np.isnan(columns).any(axis=1))
        if not kept.any():
            return self._nothing(slice_name, "no sample has a value of every column")
        clusters = self._clusters(table, kept)
        found = totals_distribution(columns[kept], self.score, rng=rng, clusters=clusters)
        if math.isnan(found.observed):
            return self._nothing(slice_name, self.why_undefined)
        return self._made(
            table,
            found.observed,
            found.interval(),
            int(kept.sum()),
            slice_name,
            clusters,
            n_without_value=int((~kept).sum()),
        )


def ratio_of(numerators: Floats, denominators: Floats) -> Floats:
    """Elementwise ratio; NaN where the denominator is not above zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominators > 0, numerators / denominators, np.nan))
