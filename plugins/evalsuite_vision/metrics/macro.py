"""The mean over kinds of the mean of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import totals_distribution
from evalsuite.summing import columns_by_group, mean_of_group_means, scattered

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MacroMean:
    """Unweighted mean, over the values of ``group``, of the mean of ``column`` within each.

    Range: that of the column. A rare kind counts as much as a frequent one. Interval: percentile
    bootstrap over ``clusters`` (rows without); a kind that a resample does not draw is left out of
    its mean. Undefined: no kind has ``least`` rows with a value.

    Attributes:
        column: What is averaged.
        group: Column of the kinds.
        least: Rows that a kind must have to count.
        name: What the report calls it.
        clusters: Column of the resampling unit.
        null: What there would be if there were nothing to find.
        chance: Column with each row's chance level; its macro mean is the value of the null.
        direction: Which way is better.
        primary: Whether the scorecard shows it.
    """

    column: str
    group: str
    least: int = 1
    name: str = "macro mean"
    clusters: str | None = None
    null: Null | None = None
    chance: str | None = None
    direction: Literal["higher is better", "lower is better", "neither"] = "neither"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        values = table.numbers(self.column)
        kept = ~np.isnan(values)
        names = np.array([str(name) for name in table[self.group]])
        kinds, counts = np.unique(names[kept], return_counts=True)
        chosen = kinds[counts >= self.least]
        if not len(chosen):
            reason = f"no {self.group} has {self.least} samples with a value of {self.column}"
            return [undefined(self.name, reason, null=self.null, is_primary=self.primary)]
        kept &= np.isin(names, chosen)
        columns = _columns(values[kept], names[kept], chosen)
        units = self._units(table, kept)
        found = totals_distribution(columns, _macro, rng=rng, clusters=units)
        interval = found.interval()
        estimate = Estimate(
            self.name,
            found.observed,
            interval.low,
            interval.high,
            method=interval.described,
            unit=(self.clusters or "sample") if units is not None else "sample",
            n=int(kept.sum()),
            direction=self.direction,
            null=self._null(table, kept, names, chosen),
            is_primary=self.primary,
            extra=_facts(len(chosen), len(kinds)),
        )
        return [estimate]

    def summed(self, table: Table) -> Iterator[Summed]:
        """How it follows from the sums and counts of the kinds that are large enough."""
        values, names = table.numbers(self.column), np.array([str(n) for n in table[self.group]])
        kinds, counts = np.unique(names[~np.isnan(values)], return_counts=True)
        is_chosen = np.isin(names, kinds[counts >= self.least])
        columns, kept = columns_by_group(values[is_chosen], names[is_chosen])
        yield Summed(self.name, "", scattered(columns, is_chosen), mean_of_group_means, kept)

    def _units(self, table: Table, kept: npt.NDArray[np.bool_]) -> Any:
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters][kept]])

    def _null(self, table: Table, kept: Any, names: Any, kinds: Any) -> Null | None:
        if self.chance is None or self.chance not in table.columns:
            return self.null
        levels = _columns(table.numbers(self.chance)[kept], names[kept], kinds)
        value = float(_macro(levels.sum(axis=0, keepdims=True))[0])
        return replace(self.null or Null(0.0, why="guessing"), value=value)


def _columns(values: Floats, names: npt.NDArray[np.str_], kinds: npt.NDArray[np.str_]) -> Floats:
    """Additive statistics of each row: its value under its kind, then a one under its kind."""
    is_of = (names[:, None] == kinds[None, :]).astype(float)
    return np.concatenate([is_of * values[:, None], is_of], axis=1)


def _macro(totals: Floats) -> Floats:
    """Macro means of totals (draws, 2 kinds), (draws,)."""
    sums, counts = np.split(totals, 2, axis=1)
    seen = counts > 0
    means = np.where(seen, sums / np.where(seen, counts, 1.0), 0.0)
    return np.asarray(means.sum(axis=1) / seen.sum(axis=1))


def _facts(n_kinds: int, n_all: int) -> dict[str, float | int | str | None]:
    facts: dict[str, float | int | str | None] = {"n_kinds": n_kinds}
    if n_all > n_kinds:
        facts["n_kinds_too_small"] = n_all - n_kinds
    return facts
