"""Estimates of statistics of column totals: corpus BLEU, precision, recall, F1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import totals_distribution

Floats = npt.NDArray[np.float64]
Direction = Literal["higher is better", "lower is better", "closer to null is better", "neither"]


@dataclass(frozen=True, kw_only=True)
class TotalsMetric:
    """Base: a subclass says which columns are summed and what the sums' statistic is.

    The interval is a percentile bootstrap over rows, or over whole clusters. Undefined: where the
    statistic of all rows is NaN, for the subclass's ``why_undefined``.

    Attributes:
        name: What the report calls the estimate.
        by: Column whose values give further, sliced estimates.
        clusters: Column of the resampling unit; rows are the unit without it.
        margin: Smallest departure from the null that matters.
        direction: Which way is better.
        primary: Whether the scorecard shows it.
    """

    name: str
    by: str | None = None
    clusters: str | None = None
    margin: float = 0.0
    direction: Direction = "higher is better"
    primary: bool = False

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

    @property
    def why_undefined(self) -> str:
        """The reason when there is no number."""
        return "the statistic has no value on these samples"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, then one estimate for each value of ``by``."""
        return [self._one(table, rng, ""), *self._slices(table, rng)]

    def _slices(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        if self.by is None or self.by not in table.columns:
            return
        column = np.array([str(item) for item in table[self.by]])
        for value in sorted(set(column)):
            yield self._one(table.where(column == value), rng, f"{self.by}={value}")

    def _one(self, table: Table, rng: np.random.Generator, label: str) -> Estimate:
        clusters: Any = None
        if self.clusters is not None and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters]])
        found = totals_distribution(self.columns_of(table), self.score, rng=rng, clusters=clusters)
        facts: dict[str, Any] = {
            "n": table.n,
            "slice": label,
            "direction": self.direction,
            "null": self.null_of(table),
            "is_primary": self.primary and not label,
        }
        if math.isnan(found.observed):
            return undefined(self.name, self.why_undefined, **facts)
        interval = found.interval()
        return Estimate(
            self.name,
            found.observed,
            interval.low,
            interval.high,
            level=interval.level,
            method=interval.method if interval.is_defined else f"no interval: {interval.reason}",
            unit=(self.clusters or "sample") if clusters is not None else "sample",
            **facts,
        )
