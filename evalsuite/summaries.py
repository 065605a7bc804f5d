"""The metrics that most probes need: means, proportions, ratios and gaps between groups.

Each is a frozen dataclass with the columns that it reads. ``by`` adds one estimate for each value
of a column; ``clusters`` names the column whose values are resampled whole (speaker, template,
image, ...). Rows whose value is missing (None or NaN) are left out and counted in ``extra``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evalsuite.metric import Direction, Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import GroupGap as GroupGapResult
from evalsuite.statistics import (
    Interval,
    bootstrap_interval,
    group_gap,
    proportion_interval,
    ratio_interval,
)
from evalsuite.summing import (
    Floats,
    largest_gap,
    of_sums,
    pairs_by_group,
    ratio_columns,
    with_slices,
)

if TYPE_CHECKING:
    import numpy.typing as npt

MIN_GROUP_SIZE = 30


@dataclass(frozen=True, kw_only=True)
class _Summary:
    """What every summary has.

    Attributes:
        name: What the report calls the estimate.
        by: Column whose values give further, sliced estimates.
        clusters: Column of the resampling unit; rows are the unit without it.
        null: What there would be if there were nothing to find.
        chance: Column with each row's own chance level; their mean is the value of the null
            (whose margin and side are taken from ``null``, where that is given too).
        direction: Which way is better.
        primary: Whether the scorecard shows it.
    """

    name: str
    by: str | None = None
    clusters: str | None = None
    null: Null | None = None
    chance: str | None = None
    direction: Direction = "neither"
    primary: bool = False
    # Whether rows count alike, so that each has a value of its own.
    _is_mean: ClassVar[bool] = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, then one estimate for each value of ``by``."""
        whole = self._one(table, rng, "")
        return [whole, *self._slices(table, rng)]

    def _slices(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        if self.by is None or self.by not in table.columns:
            return
        column = table[self.by]
        # A slice of one cluster has nothing but its rows to resample.
        sliced = replace(self, clusters=None) if self.by == self.clusters else self
        for value in sorted({str(item) for item in column}):
            part = table.where(np.array([str(item) == value for item in column]))
            yield sliced._one(part, rng, f"{self.by}={value}")

    def _one(self, table: Table, rng: np.random.Generator, slice_name: str) -> Estimate:
        raise TypeError(f"{type(self).__name__} does not estimate")

    def summed(self, table: Table) -> Iterator[Summed]:
        """How the estimates follow from sums."""
        whole = Summed(self.name, "", self._sums(table), of_sums, is_mean=self._is_mean)
        yield from with_slices(whole, table, self.by)

    def _sums(self, table: Table) -> Floats:
        """Numerator and denominator of each row, [rows, 2]."""
        raise TypeError(f"{type(self).__name__} is no ratio of sums")

    def _clusters(self, table: Table, kept: npt.NDArray[np.bool_]) -> Any:
        """The cluster labels of the kept rows, or None."""
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters][kept]])

    def _null(self, table: Table) -> Null | None:
        """The declared null, or the mean of the chance column."""
        if self.chance is None or self.chance not in table.columns:
            return self.null
        levels = table.numbers(self.chance)
        levels = levels[~np.isnan(levels)]
        if not len(levels):
            return self.null
        null = self.null or Null(0.0, why="guessing")
        return replace(null, value=float(levels.mean()))

    def _made(
        self,
        table: Table,
        value: float,
        interval: Interval,
        n: int,
        slice_name: str,
        clusters: Any,
        **extra: float | int | str | None,
    ) -> Estimate:
        return Estimate(
            metric=self.name,
            value=value,
            low=interval.low,
            high=interval.high,
            level=interval.level,
            method=interval.method if interval.is_defined else f"no interval: {interval.reason}",
            unit=(self.clusters or "sample") if clusters is not None else "sample",
            n=n,
            slice=slice_name,
            direction=self.direction,
            null=self._null(table),
            is_primary=self.primary and not slice_name,
            extra={k: v for k, v in extra.items() if v},
        )

    def _nothing(self, slice_name: str, reason: str) -> Estimate:
        return undefined(
            self.name,
            reason,
            slice=slice_name,
            direction=self.direction,
            null=self.null,
            is_primary=self.primary and not slice_name,
        )


@dataclass(frozen=True)
class Mean(_Summary):
    """Arithmetic mean of a column, with a bootstrap percentile interval over rows or clusters.

    Undefined: no row has a value.
    """

    column: str

    def _sums(self, table: Table) -> Floats:
        return ratio_columns(table.numbers(self.column))

    def _one(self, table: Table, rng: np.random.Generator, slice_name: str) -> Estimate:
        values = table.numbers(self.column)
        kept = ~np.isnan(values)
        if not kept.any():
            return self._nothing(slice_name, f"no sample has a value of {self.column}")
        clusters = self._clusters(table, kept)
        interval = bootstrap_interval(values[kept], clusters=clusters, rng=rng)
        missing = int((~kept).sum())
        return self._made(
            table,
            float(values[kept].mean()),
            interval,
            int(kept.sum()),
            slice_name,
            clusters,
            n_without_value=missing,
        )


@dataclass(frozen=True)
class Proportion(_Summary):
    """Share of a yes/no column; range [0, 1].

    Clopper-Pearson's exact interval for independent rows of 0 and 1; a bootstrap over clusters,
    or where ties made fractions. Undefined: no row has a value.
    """

    column: str

    def _sums(self, table: Table) -> Floats:
        return ratio_columns(table.numbers(self.column))

    def _one(self, table: Table, rng: np.random.Generator, slice_name: str) -> Estimate:
        values = table.numbers(self.column)
        kept = ~np.isnan(values)
        if not kept.any():
            return self._nothing(slice_name, f"no sample has a value of {self.column}")
        clusters = self._clusters(table, kept)
        shares = values[kept]
        if np.isin(shares, (0.0, 1.0)).all():
            interval = proportion_interval(shares, clusters=clusters, rng=rng)
        else:
            interval = bootstrap_interval(shares, clusters=clusters, rng=rng)
        missing = int((~kept).sum())
        return self._made(
            table,
            float(shares.mean()),
            interval,
            int(kept.sum()),
            slice_name,
            clusters,
            n_without_value=missing,
        )


@dataclass(frozen=True)
class Ratio(_Summary):
    """Sum of one column over the sum of another, e.g. a corpus word error rate.

    Bootstrap percentile interval over rows or clusters. Undefined: the denominators sum to 0.
    """

    numerator: str
    denominator: str
    _is_mean: ClassVar[bool] = False

    def _sums(self, table: Table) -> Floats:
        return ratio_columns(table.numbers(self.numerator), table.numbers(self.denominator))

    def _one(self, table: Table, rng: np.random.Generator, slice_name: str) -> Estimate:
        numerators, denominators = table.numbers(self.numerator), table.numbers(self.denominator)
        kept = ~(np.isnan(numerators) | np.isnan(denominators))
        total = float(denominators[kept].sum())
        if not kept.any():
            both = f"{self.numerator} and {self.denominator}"
            return self._nothing(slice_name, f"no sample has a value of {both}")
        if total == 0:
            return self._nothing(slice_name, f"{self.denominator} sums to zero")
        clusters = self._clusters(table, kept)
        interval = ratio_interval(numerators[kept], denominators[kept], clusters=clusters, rng=rng)
        return self._made(
            table,
            float(numerators[kept].sum()) / total,
            interval,
            int(kept.sum()),
            slice_name,
            clusters,
            numerator=float(numerators[kept].sum()),
            denominator=total,
        )


@dataclass(frozen=True, kw_only=True)
class _Gap(_Summary):
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
