"""The metrics that most probes need: means, proportions and ratios; gaps are in group_gaps.

Each is a frozen dataclass with the columns that it reads. ``by`` adds one estimate for each value
of a column; ``clusters`` names the column whose values are resampled whole (speaker, template,
image, ...). Rows whose value is missing (None or NaN) are left out and counted in ``extra``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evalsuite.metric import Direction, Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import (
    Interval,
    bootstrap_interval,
    proportion_interval,
    ratio_interval,
)
from evalsuite.summing import (
    Floats,
    of_sums,
    ratio_columns,
    with_slices,
)

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Summary:
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
            method=interval.described,
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
class Mean(Summary):
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
class Proportion(Summary):
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
class Ratio(Summary):
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
