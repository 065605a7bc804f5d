"""Rows in groups, and a statistic of each group over resamples and permutations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import WeightedStatistic
from evalsuite.statistics.groups import values_by_group
from evalsuite.statistics.permutation import NullDistribution, permutation_null
from evalsuite.statistics.points import asks_only_values
from evalsuite.statistics.units import (
    Floats,
    Integers,
    chunks,
    codes_of,
    is_nested,
    make_units,
    ratio,
    resampled_counts,
    resampled_sums,
)


@dataclass(frozen=True, slots=True, eq=False)
class GroupedRows:
    """Rows with the code of their group, and what is to be measured of each group.

    Attributes:
        values: One entry or row for each sample, (n,) or (n, ...).
        sums: Numerators and denominators of a mean or ratio, (n, 2); None for other statistics.
        statistic: A weighted statistic; None for a mean or ratio.
        codes: Group of each row, (n,), from 0 to n_groups − 1.
        clusters: Cluster of each row, (n,); None for independent rows.
        n_groups: Number of groups.
    """

    values: npt.NDArray[Any]
    sums: Floats | None
    statistic: WeightedStatistic | None
    codes: Integers
    clusters: Integers | None
    n_groups: int

    @property
    def is_nested(self) -> bool:
        """Whether no cluster has rows in several groups."""
        return self.clusters is None or is_nested(self.clusters, self.codes)

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are."""
        numbers = self.values if self.sums is None else self.sums
        return numbers.dtype.kind != "f" or bool(np.isfinite(numbers).all())

    def points(self) -> Floats:
        """The statistic of each group, (n_groups,), by MetricFrame unless asked often."""
        if asks_only_values():
            rows = (np.flatnonzero(self.codes == group) for group in range(self.n_groups))
            return np.array([self._of_rows(of_group) for of_group in rows], dtype=float)
        return values_by_group(self._of_rows, self.codes, self.n_groups)

    def sizes(self) -> Integers:
        """Number of rows of each group, (n_groups,)."""
        return np.bincount(self.codes, minlength=self.n_groups)

    def unit_counts(self) -> Integers:
        """Number of rows, or clusters, that each group has a part in, (n_groups,)."""
        if self.clusters is None:
            return self.sizes()
        of_clusters = np.unique(np.stack([self.codes, self.clusters]), axis=1)[0]
        return np.bincount(of_clusters, minlength=self.n_groups)

    def restricted(self, kept: list[int]) -> GroupedRows:
        """The rows of some groups only, which are numbered anew in the order given."""
        renumbered = np.full(self.n_groups, -1)
        renumbered[kept] = np.arange(len(kept))
        codes = renumbered[self.codes]
        rows = codes >= 0
        return replace(
            self,
            values=self.values[rows],
            sums=None if self.sums is None else self.sums[rows],
            codes=codes[rows],
            clusters=None if self.clusters is None else codes_of(self.clusters[rows])[0],
            n_groups=len(kept),
        )

    def replicates(self, resamples: int, rng: np.random.Generator) -> Floats:
        """The statistic of each group over bootstrap resamples, (resamples, n_groups)."""
        if asks_only_values():
            return np.full((1, self.n_groups), np.nan)
        if self.sums is None:
            return self._replicates_of_statistic(resamples, rng)
        if not self.is_nested:
            return self._replicates_of_crossed_sums(self.sums, resamples, rng)
        replicates = np.empty((resamples, self.n_groups))
        for group in range(self.n_groups):
            rows = self.codes == group
            clusters = None if self.clusters is None else self.clusters[rows]
            totals = make_units(int(rows.sum()), clusters).sums(self.sums[rows])
            replicates[:, group] = ratio(resampled_sums(totals, resamples, rng))
        return replicates

    def gap_null(self, permutations: int, rng: np.random.Generator) -> NullDistribution:
        """Largest minus smallest value when groups are permuted among rows or clusters."""
        if self.sums is None:
            ones = np.ones((1, self.codes.size))
            return permutation_null(
                lambda _, labels: gaps(self._by_group(ones, labels)),
                self.codes,
                self.codes,
                rng=rng,
                permutations=permutations,
                clusters=self.clusters,
                is_vectorised=True,
            )
        sums, codes, clusters = self.sums, self.codes, self.clusters
        if clusters is not None and self.is_nested:
            # Totals of clusters are all that matters when clusters are permuted whole.
            units = make_units(codes.size, clusters, codes)
            sums, codes, clusters = units.sums(sums), units.stratum, None
        return permutation_null(
            lambda totals, labels: gaps(_ratios_by_label(totals, labels, self.n_groups)),
            sums,
            codes,
            rng=rng,
            permutations=permutations,
            clusters=clusters,
            is_vectorised=True,
        )

    def _of_rows(self, rows: Integers) -> float:
        if self.sums is not None:
            return float(ratio(self.sums[rows].sum(axis=0)))
        assert self.statistic is not None
        return float(self.statistic(self.values[rows], np.ones((1, rows.size)))[0])

    def _by_group(self, counts: Floats, labels: Integers) -> Floats:
        """The statistic of each group, (draws, n_groups), of counts and labels (draws, n)."""
        assert self.statistic is not None
        by_group = np.empty((np.broadcast(counts, labels).shape[0], self.n_groups))
        for group in range(self.n_groups):
            by_group[:, group] = self.statistic(self.values, counts * (labels == group))
        return by_group

    def _replicates_of_statistic(self, resamples: int, rng: np.random.Generator) -> Floats:
        strata = self.codes if self.is_nested else None
        units = make_units(self.codes.size, self.clusters, strata)
        replicates = np.empty((resamples, self.n_groups))
        for draws in chunks(resamples, self.codes.size):
            counts = resampled_counts(units, draws.stop - draws.start, rng)
            replicates[draws] = self._by_group(units.row_counts(counts), self.codes[None, :])
        return replicates

    def _replicates_of_crossed_sums(
        self, sums: Floats, resamples: int, rng: np.random.Generator
    ) -> Floats:
        """Draw clusters whole, with a pair of columns for each group they have a part in."""
        is_member = self.codes[:, None] == np.arange(self.n_groups)
        columns = (is_member[:, :, None] * sums[:, None, :]).reshape(self.codes.size, -1)
        totals = make_units(self.codes.size, self.clusters).sums(columns)
        return ratio(resampled_sums(totals, resamples, rng).reshape(resamples, -1, 2))


def make_grouped_rows(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    statistic: Literal["mean"] | WeightedStatistic,
    denominators: npt.ArrayLike | None,
    clusters: npt.ArrayLike | None,
) -> tuple[GroupedRows, list[str]]:
    """Check lengths, number the groups in sorted order, and return them with their names."""
    array = np.asarray(values)
    codes, names = codes_of(groups)
    cluster_codes = None if clusters is None else codes_of(clusters)[0]
    lengths = {len(array), codes.size if cluster_codes is None else cluster_codes.size, codes.size}
    if len(lengths) > 1:
        raise ValueError("groups and clusters must have one label for each value")
    sums = None
    if not callable(statistic):
        below = np.ones(codes.size) if denominators is None else np.asarray(denominators, float)
        sums = np.stack([array.astype(float), below], axis=1)
    elif denominators is not None:
        raise ValueError("denominators belong to the ratio; a callable statistic takes none")
    function = statistic if callable(statistic) else None
    rows = GroupedRows(array, sums, function, codes, cluster_codes, len(names))
    return rows, [str(name) for name in names]


def gaps(by_group: Floats) -> Floats:
    """Largest minus smallest over the last axis; NaN where any is."""
    return np.asarray(np.max(by_group, axis=-1) - np.min(by_group, axis=-1), dtype=float)


def _ratios_by_label(totals: Floats, labels: Integers, n_groups: int) -> Floats:
    """Ratio of the totals of each group, (draws, n_groups), under labellings (draws, n_units)."""
    draws = labels.shape[0]
    cells = (labels + n_groups * np.arange(draws)[:, None]).ravel()
    columns = [
        np.bincount(cells, np.broadcast_to(column, labels.shape).ravel(), draws * n_groups)
        for column in totals.T
    ]
    return ratio(np.stack(columns, axis=-1).reshape(draws, n_groups, 2).astype(float))
