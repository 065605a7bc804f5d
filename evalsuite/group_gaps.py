"""Gaps between groups: the largest group value less the smallest, with every group's own value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite.metric import Estimate, Null, Summed, Table
from evalsuite.statistics import GroupGap as GroupGapResult
from evalsuite.statistics import group_gap
from evalsuite.summaries import Summary
from evalsuite.summing import Floats, largest_gap, of_sums, pairs_by_group, ratio_columns

MIN_GROUP_SIZE = 30


@dataclass(frozen=True, kw_only=True)
class _Gap(Summary):
    """What both gaps have: the null is the mean gap over permuted groups, plus ``margin``."""

    min_group_size: int = MIN_GROUP_SIZE
    margin: float = 0.02
    higher_is_worse: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The gap, then the value of every group, those too small for the gap with a reason."""
        gap, clusters = self._gap(table, rng)
        whole = Estimate(
            metric=self.name,
            value=gap.value,
            low=gap.interval.low,
            high=gap.interval.high,
            level=gap.interval.level,
            method=gap.interval.method,
            unit=(self.clusters or "sample") if clusters is not None else "sample",
            n=table.n,
            direction="lower is better",
            null=None
            if math.isnan(gap.null_mean)
            else Null(gap.null_mean, self.margin, "above", "mean gap when groups are permuted"),
            reason=gap.reason,
            is_primary=self.primary,
            extra=_gap_facts(gap),
        )
        return [whole, *self._groups(gap, self._group_column())]

    def _groups(self, gap: GroupGapResult, column: str) -> Iterator[Estimate]:
        for group in gap.groups:
            yield Estimate(
                metric=self.name.removesuffix(" gap"),
                value=group.value,
                low=group.interval.low,
                high=group.interval.high,
                level=group.interval.level,
                method=group.interval.method,
                n=group.n,
                slice=f"{column}={group.group}",
                direction="lower is better" if self.higher_is_worse else "higher is better",
                reason=group.reason,
                extra={"n_units": group.n_units},
            )

    def summed(self, table: Table) -> Iterator[Summed]:
        """How the gap and the value of each group that is big enough follow from sums."""
        column = self._group_column()
        pairs = pairs_by_group(self._sums(table), table[column], self.min_group_size)
        gap = np.concatenate([np.empty((table.n, 0)), *pairs.values()], axis=1)
        yield Summed(self.name, "", gap, largest_gap, tuple(pairs))
        for group, columns in pairs.items():
            name = self.name.removesuffix(" gap")
            yield Summed(name, f"{column}={group}", columns, of_sums, is_mean=self._is_mean)

    def _group_column(self) -> str:
        """The column that tells groups apart; a field of every subclass."""
        return str(getattr(self, "group"))  # noqa: B009  (declared by subclasses, positionally)

    def _gap(self, table: Table, rng: np.random.Generator) -> tuple[GroupGapResult, Any]:
        raise TypeError(f"{type(self).__name__} does not compare groups")


def _gap_facts(gap: GroupGapResult) -> dict[str, float | int | str | None]:
    return {
        "worst_group": gap.worst_group,
        "best_group": gap.best_group,
        "between_group_sd": gap.between_group_sd,
        "p_value": gap.p_value,
        "null_sd": gap.null_sd,
        "excess_over_null": gap.excess,
    }


@dataclass(frozen=True)
class GroupGap(_Gap):
    """Largest minus smallest group mean of a column, over groups that are big enough.

    Range [0, inf); lower is fairer. The bootstrap draws within groups (whole clusters where
    given). Undefined: fewer than two groups of ``min_group_size``.
    """

    column: str
    group: str

    def _sums(self, table: Table) -> Floats:
        return ratio_columns(table.numbers(self.column))

    def _gap(self, table: Table, rng: np.random.Generator) -> tuple[GroupGapResult, Any]:
        values = table.numbers(self.column)
        kept = ~np.isnan(values)
        clusters = self._clusters(table, kept)
        result = group_gap(
            values[kept],
            np.array([str(item) for item in table[self.group][kept]]),
            rng=rng,
            clusters=clusters,
            higher_is_worse=self.higher_is_worse,
            min_group_size=self.min_group_size,
        )
        return result, clusters


@dataclass(frozen=True)
class GroupRatioGap(_Gap):
    """Largest minus smallest group ratio of two summed columns, e.g. corpus word error rates."""

    numerator: str
    denominator: str
    group: str
    _is_mean: ClassVar[bool] = False

    def _sums(self, table: Table) -> Floats:
        return ratio_columns(table.numbers(self.numerator), table.numbers(self.denominator))

    def _gap(self, table: Table, rng: np.random.Generator) -> tuple[GroupGapResult, Any]:
        numerators, denominators = table.numbers(self.numerator), table.numbers(self.denominator)
        kept = ~(np.isnan(numerators) | np.isnan(denominators))
        clusters = self._clusters(table, kept)
        result = group_gap(
            numerators[kept],
            np.array([str(item) for item in table[self.group][kept]]),
            rng=rng,
            denominators=denominators[kept],
            clusters=clusters,
            higher_is_worse=self.higher_is_worse,
            min_group_size=self.min_group_size,
        )
        return result, clusters
