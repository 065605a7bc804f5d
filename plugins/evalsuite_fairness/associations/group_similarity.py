"""How much closer one group's media are to all queries than the others'."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import bootstrap_interval
from evalsuite_fairness.metrics.skew import Floats


@dataclass(frozen=True)
class GroupSimilarity:
    """Standardised difference between each group and all others in the mean over queries.

    Cohen's d of a medium's mean similarity to all queries. Range any; 0 without a difference; it
    needs no k and has no floor. Intervals resample media, or whole clusters.
    Undefined: fewer than two media on a side, or no spread.
    """

    clusters: str | None = None
    name: str = "similarity by group"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One slice for each group; of two groups each mirrors the other."""
        mean = np.array([float(np.mean(row)) for row in table["_similarities"]])
        groups = np.array([str(group) for group in table["group"]])
        return list(self._slices(mean - mean.mean(), groups, self._clusters(table), rng))

    def _clusters(self, table: Table) -> Any:
        if not self.clusters or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters]])

    def _slices(
        self, mean: Floats, groups: Any, clusters: Any, rng: np.random.Generator
    ) -> Iterator[Estimate]:
        for group in sorted(set(groups.tolist())):
            rows = np.stack([mean, (groups == group).astype(float)], axis=1)
            value = float(standardised_difference(rows, np.ones((1, len(rows))))[0])
            if math.isnan(value):
                why = "fewer than two media on a side, or no spread"
                yield undefined(self.name, why, slice=f"group={group}")
                continue
            strata = groups if clusters is None else None
            interval = bootstrap_interval(
                rows, standardised_difference, strata=strata, clusters=clusters, rng=rng
            )
            yield Estimate(
                self.name,
                value,
                interval.low,
                interval.high,
                method=interval.method,
                unit="sample" if clusters is None else str(self.clusters),
                n=int((groups == group).sum()),
                slice=f"group={group}",
                direction="closer to null is better",
                null=Null(0.0, why="no difference"),
            )


def standardised_difference(rows: Floats, counts: Floats) -> Floats:
    """Cohen's d of the rows marked 1 against the others, for resamples given as counts.

    Args:
        rows: Values and marks, [n, 2].
        counts: How often each row was drawn, [draws, n].

    Returns:
        [draws]; NaN where a side has fewer than two rows or nothing varies.
    """
    values, inside = rows.T
    (n1, mean1, squares1), (n2, mean2, squares2) = (
        _moments(values, mark, counts) for mark in (inside, 1 - inside)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = np.sqrt((squares1 + squares2) / (n1 + n2 - 2))
        is_defined = (pooled > 1e-12) & (n1 > 1) & (n2 > 1)
        return np.where(is_defined, (mean1 - mean2) / pooled, math.nan)


def _moments(values: Floats, mark: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Number, mean and sum of squared deviations of the marked rows of each resample."""
    with np.errstate(invalid="ignore", divide="ignore"):
        n = counts @ mark
        mean = counts @ (mark * values) / n
        return n, mean, np.maximum(counts @ (mark * values**2) - n * mean**2, 0.0)
