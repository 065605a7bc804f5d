"""The largest group value over the smallest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import BootstrapDistribution, permutation_null
from evalsuite.statistics.grouped import GroupedRows, make_grouped_rows


@dataclass(frozen=True)
class RateRatio:
    """Largest over smallest group mean of a column, or ratio of two summed columns.

    Range [1, inf); 1 where all groups are alike; lower is fairer. Being a maximum over a minimum
    it lies above 1 by chance, and so does its interval: its null is the mean ratio when groups
    are permuted among rows or whole clusters. Intervals resample these within groups.
    Undefined: fewer than two groups that are big enough, or the smallest value is zero.
    Reference: Koenecke et al. 2020 (PNAS 117) for ratios of error rates.

    Attributes:
        column: What is averaged, or the numerator.
        group: Column that tells groups apart.
        min_group_size: Groups with fewer rows are left out.
        clusters: Column of the resampling unit.
        denominator: Column of the denominators; rows count equally without it.
    """

    column: str
    group: str
    min_group_size: int = 30
    clusters: str | None = None
    denominator: str | None = None
    name: str = "ratio of group rates"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate; the groups that make it are in ``extra``."""
        values = table.numbers(self.column)
        below = table.numbers(self.denominator) if self.denominator else np.ones(len(values))
        kept = ~(np.isnan(values) | np.isnan(below))
        clusters: Any = None
        if self.clusters and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters][kept]])
        groups = np.array([str(item) for item in table[self.group][kept]])
        rows, names = make_grouped_rows(values[kept], groups, "mean", below[kept], clusters)
        sizes = rows.sizes().tolist()
        big = [place for place, size in enumerate(sizes) if size >= self.min_group_size]
        if len(big) < 2:
            return [undefined(self.name, "fewer than two groups to compare")]
        part = rows.restricted(big)
        points = part.points()
        if not points.min() > 0:
            return [undefined(self.name, "a group has no event, so there is no ratio")]
        ratios = _ratios(part.replicates(2000, rng))
        fewest = int(part.unit_counts().min())
        why = "fewer than two units to resample" if fewest < 2 else None
        value = float(points.max() / points.min())
        interval = BootstrapDistribution(value, ratios, np.empty(0), fewest, why).interval()
        null = self._null(part, rng)
        left_out = [name for place, name in enumerate(names) if place not in big]
        return [
            Estimate(
                self.name,
                value,
                interval.low,
                interval.high,
                method=interval.method if interval.is_defined else f"no interval: {why}",
                unit=self.clusters if clusters is not None and self.clusters else "sample",
                n=int(kept.sum()),
                direction="lower is better",
                null=null,
                is_primary=self.primary,
                extra={
                    "highest": names[big[int(points.argmax())]],
                    "lowest": names[big[int(points.argmin())]],
                    "left out": ", ".join(left_out) or None,
                },
            )
        ]

    def _null(self, rows: GroupedRows, rng: np.random.Generator) -> Null | None:
        """The mean ratio of permuted groups; None where no arrangement has one."""
        assert rows.sums is not None
        sums, n_groups = rows.sums, rows.n_groups

        def ratios(_: Any, labels: Any) -> Any:
            of_group = [(labels == group) @ sums for group in range(n_groups)]
            with np.errstate(divide="ignore", invalid="ignore"):
                rates = np.stack([totals[:, 0] / totals[:, 1] for totals in of_group], axis=1)
            return _ratios(rates)

        found = permutation_null(
            ratios, sums, rows.codes, rng=rng, clusters=rows.clusters, is_vectorised=True
        )
        if math.isnan(found.mean):
            return None
        return Null(found.mean, side="above", why="mean ratio when groups are permuted")


def _ratios(rates: Any) -> Any:
    """Largest over smallest of [draws, groups], shape [draws]; NaN where the smallest is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = rates.max(axis=1) / rates.min(axis=1)
    return np.where(np.isfinite(ratios), ratios, math.nan)
