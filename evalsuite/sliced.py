"""Metrics of whole tables: slices by a column, resampling units, and the estimate.

Bases for metrics that are no means of a column: a subclass says what it computes of one table, or,
for statistics of column totals (corpus BLEU, precision, F1), which columns are summed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Direction, Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import BootstrapDistribution, totals_distribution
from evalsuite.summing import scattered, slices_of

Floats: TypeAlias = npt.NDArray[np.float64]

__all__ = ["BETWEEN", "Direction", "Floats", "SlicedMetric", "TotalsMetric", "is_given"]

# Joins columns, and their values, in the slice of an intersection: ``sex x race=F x B``.
BETWEEN = " x "


@dataclass(frozen=True, kw_only=True)
class SlicedMetric:
    """Base: a subclass estimates one table in ``_estimates``.

    Attributes:
        name: What the report calls the estimate.
        by: Column whose values give further, sliced estimates.
        clusters: Column of the resampling unit; rows are the unit without it.
        null: What there would be if there were nothing to find; most subclasses compute it.
        margin: Smallest departure from a computed null that matters, in the metric's own unit.
        direction: Which way is better.
        primary: Whether the scorecard shows it.
    """

    name: str = "score"
    by: str | None = None
    clusters: str | None = None
    null: Null | None = None
    margin: float = 0.0
    direction: Direction = "higher is better"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, then one estimate for each value of ``by``."""
        if table.n == 0:
            return [self._nothing("no sample was answered", "")]
        return [*self._estimates(table, rng, ""), *self._slices(table, rng)]

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        raise TypeError(f"{type(self).__name__} does not estimate")

    def _slices(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        if self.by is None or self.by not in table.columns:
            return
        column = np.array([str(item) for item in table[self.by]])
        for value in sorted(set(column)):
            yield self._estimates(table.where(column == value), rng, f"{self.by}={value}")[0]

    def _units(self, table: Table) -> npt.NDArray[np.str_] | None:
        """The cluster labels of a table's rows, or None."""
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters]])

    def _made(
        self,
        distribution: BootstrapDistribution,
        table: Table,
        label: str,
        null: Null | None,
        **extra: float | int | str | None,
    ) -> Estimate:
        """An estimate with the percentile interval of a bootstrap distribution."""
        interval = distribution.interval()
        is_clustered = self._units(table) is not None
        return Estimate(
            metric=self.name,
            value=distribution.observed,
            low=interval.low,
            high=interval.high,
            level=interval.level,
            method=interval.described,
            unit=(self.clusters or "sample") if is_clustered else "sample",
            n=table.n,
            slice=label,
            direction=self.direction,
            null=self.null or null,
            is_primary=self.primary and not label,
            extra={name: value for name, value in extra.items() if value not in (0, None, "")},
        )

    def _nothing(self, reason: str, label: str, n: int = 0) -> Estimate:
        return undefined(
            self.name,
            reason,
            n=n,
            slice=label,
            direction=self.direction,
            null=self.null,
            is_primary=self.primary and not label,
        )


@dataclass(frozen=True, kw_only=True)
class TotalsMetric(SlicedMetric):
    """Base: a subclass says which columns are summed and what the sums' statistic is.

    The interval is a percentile bootstrap over rows, or over whole clusters. Undefined: where the
    statistic of all rows is NaN, for the subclass's ``why_undefined``.
    """

    def columns_of(self, table: Table) -> Floats:
        """What is summed, shape [rows, columns]."""
        raise TypeError(f"{type(self).__name__} names no columns")

    def score(self, totals: Floats) -> Floats:
        """The statistic of sums [draws, columns], shape [draws]; NaN where undefined."""
        raise TypeError(f"{type(self).__name__} does not score")

    def null_of(self, table: Table) -> Null | None:
        """What there would be if there were nothing to find; None when nobody can say."""
        del table
        return None

    def summed(self, table: Table) -> Iterator[Summed]:
        """How the estimates follow from sums."""
        yield Summed(self.name, "", self.columns_of(table), self.score)
        for label, rows in slices_of(table, self.by):
            columns = scattered(self.columns_of(table.where(rows)), rows)
            yield Summed(self.name, label, columns, self.score)

    @property
    def why_undefined(self) -> str:
        """The reason when there is no number."""
        return "the statistic has no value on these samples"

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        columns, null = self.columns_of(table), self.null_of(table)
        found = totals_distribution(columns, self.score, rng=rng, clusters=self._units(table))
        if math.isnan(found.observed):
            return [replace(self._nothing(self.why_undefined, label, table.n), null=null)]
        return [self._made(found, table, label, null)]


def is_given(value: Any) -> bool:
    """Whether a cell holds a value: neither None nor NaN."""
    return value is not None and value == value
