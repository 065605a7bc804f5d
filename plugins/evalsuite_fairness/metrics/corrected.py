"""Slices with p-values that are adjusted for how many slices were looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from evalsuite import Estimate, Metric, Summed, Table
from evalsuite.statistics import benjamini_hochberg, sign_flip_null


@dataclass(frozen=True)
class Surprise:
    """How unlikely an estimate would be if there were nothing to find.

    Attributes:
        p_value: In (0, 1]; NaN where the test is undefined.
        null_sd: How far the estimate itself would spread around its null; NaN where the test has
            no such distribution.
    """

    p_value: float
    null_sd: float = math.nan


class SliceTest(Protocol):
    """How likely what a table shows would be if there were nothing to find."""

    def surprise(self, table: Table, rng: np.random.Generator) -> Surprise:
        """The p-value, and the spread of the null where there is one."""
        ...


@dataclass(frozen=True)
class SignFlip:
    """Two-sided test of paired differences: each could as well have the other sign.

    Flips whole clusters where ``clusters`` names a column; enumerates all flips of up to eleven
    units. It asks whether the mean departs from ``null`` at all, however little: the margin of an
    estimate's null says whether the departure matters. Undefined (NaN): no row has a value.
    Reference: Fisher 1935, The Design of Experiments, section 21.

    Attributes:
        column: The differences; rows without a value are left out.
        null: What they are compared with.
        clusters: Column of the unit that is flipped whole; rows without it.
    """

    column: str
    null: float = 0.0
    clusters: str | None = None

    def surprise(self, table: Table, rng: np.random.Generator) -> Surprise:
        """The share of flips whose mean is at least as far from the null, and their spread."""
        values = table.numbers(self.column)
        kept = np.isfinite(values)
        if not kept.any():
            return Surprise(math.nan)
        units = None
        if self.clusters is not None and self.clusters in table.columns:
            units = np.array([str(item) for item in table[self.clusters][kept]])
        differences = values[kept] - self.null
        null = sign_flip_null(differences, rng=rng, clusters=units)
        return Surprise(null.p_value(float(differences.mean())), null.sd)


@dataclass(frozen=True)
class Corrected:
    """Another metric, each of whose slices also says how surprising it is.

    Nine bias types are nine questions: one of them stands out by chance in four runs of ten. Every
    estimate of a slice gets, in ``extra``, ``p_value``, ``p_adjusted`` (Benjamini and Hochberg,
    over the slices of the same metric that have a p-value) and ``n_comparisons``; the whole gets
    its ``p_value``, and each the spread of its null, ``null_sd``, where the test has one. Values
    and intervals stay as they are.

        Corrected(Mean("log_odds", name="log-odds", by="bias_type"), SignFlip("log_odds"))

    Attributes:
        metric: What is estimated; its slices are named ``column=value``.
        test: What makes the p-values; None where the metric's estimates carry ``p_value``
            themselves.
    """

    metric: Metric
    test: SliceTest | None = None

    @property
    def name(self) -> str:
        """That of the metric."""
        return self.metric.name

    @property
    def primary(self) -> bool:
        """That of the metric."""
        return bool(getattr(self.metric, "primary", False))

    @property
    def clusters(self) -> str | None:
        """That of the metric."""
        found: str | None = getattr(self.metric, "clusters", None)
        return found

    def summed(self, table: Table) -> Iterator[Summed]:
        """As the metric's estimates, whose values are the same; nothing where it does not say."""
        of_sums = getattr(self.metric, "summed", None)
        return iter(()) if of_sums is None else of_sums(table)

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The metric's estimates in their order."""
        estimates = [
            self._tested(estimate, table, rng) for estimate in self.metric.estimate(table, rng)
        ]
        adjusted = dict(_adjusted(estimates))
        return [
            replace(estimate, extra={**estimate.extra, **adjusted.get(index, {})})
            for index, estimate in enumerate(estimates)
        ]

    def _tested(self, estimate: Estimate, table: Table, rng: np.random.Generator) -> Estimate:
        if self.test is None or math.isnan(estimate.value):
            return estimate
        rows = _rows_of(estimate.slice, table)
        found = Surprise(math.nan) if rows is None else self.test.surprise(rows, rng)
        facts = {name: value for name, value in vars(found).items() if not math.isnan(value)}
        return replace(estimate, extra={**estimate.extra, **facts})


def _rows_of(label: str, table: Table) -> Table | None:
    """The rows of a slice; None where its name is not that of a column and a value."""
    if not label:
        return table
    column, _, value = label.partition("=")
    if column not in table.columns:
        return None
    return table.where(np.array([str(item) == value for item in table[column]], dtype=bool))


def _adjusted(estimates: Sequence[Estimate]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What every slice with a p-value is told of its family, by its place among the estimates."""
    for metric in dict.fromkeys(estimate.metric for estimate in estimates):
        places = [
            index
            for index, estimate in enumerate(estimates)
            if estimate.metric == metric and estimate.slice and "p_value" in estimate.extra
        ]
        p_values = [float(estimates[index].extra["p_value"]) for index in places]  # type: ignore[arg-type]
        for index, p_adjusted in zip(places, benjamini_hochberg(p_values), strict=True):
            yield index, {"p_adjusted": float(p_adjusted), "n_comparisons": len(places)}
