"""What a change of the data can cost: a primary metric as values of samples, and its loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from evalsuite.group_gaps import MIN_GROUP_SIZE, GroupGap, GroupRatioGap
from evalsuite.metric import Metric, Null
from evalsuite.probe import Record
from evalsuite.summaries import Proportion, Ratio

# A loss below two points, or two per cent, is not worth a finding.
FREE = Null(0.0, margin=0.02, side="above", why="the change costs nothing")
Better: TypeAlias = Literal["higher is better", "lower is better"]
_BETTER: Mapping[str, Better] = {
    "higher is better": "higher is better",
    "lower is better": "lower is better",
}


@dataclass(frozen=True)
class Figure:
    """A primary metric that averages one column, or divides the sums of two.

    Attributes:
        name: Of the metric.
        columns: The column, or numerator and denominator.
        direction: Which way is better.
        is_share: Whether it is a share of samples, as accuracy is.
        min_group_size: Samples that a group must have to be compared with others.
    """

    name: str
    columns: tuple[str, ...]
    direction: Better
    is_share: bool = False
    min_group_size: int = MIN_GROUP_SIZE

    @property
    def sign(self) -> float:
        """1 where higher is better, -1 where lower is."""
        return 1.0 if self.direction == "higher is better" else -1.0

    def of(self, record: Record) -> tuple[float, float] | None:
        """Value and weight of one sample; None where it has none, or a weight of zero."""
        found = [record.get(column) for column in self.columns]
        numbers = [float(v) for v in found if isinstance(v, int | float) and math.isfinite(v)]
        if len(numbers) < len(found):
            return None
        value, weight = (*numbers, 1.0)[:2]
        return (value, weight) if weight else None


def figures_of(metrics: Sequence[Metric]) -> tuple[Figure, ...]:
    """The primary metrics that a change can cost something; of a gap, what it is a gap of."""
    shares = {metric.column for metric in metrics if isinstance(metric, Proportion)}
    found: dict[str, Figure] = {}
    for metric in metrics:
        columns, better = columns_of(metric), direction_of(metric)
        if columns and better and getattr(metric, "primary", False):
            name = measured_name(metric)
            size = getattr(metric, "min_group_size", MIN_GROUP_SIZE)
            is_share = len(columns) == 1 and columns[0] in shares
            found.setdefault(name, Figure(name, columns, better, is_share, size))
    return tuple(found.values())


def columns_of(metric: Metric) -> tuple[str, ...]:
    """What a metric sums: one column that it averages, or a numerator and a denominator."""
    names = [getattr(metric, name, None) for name in ("column", "numerator", "denominator")]
    return tuple(name for name in names if isinstance(name, str))


def direction_of(metric: Metric) -> Better | None:
    """Which way is better, of a gap for the values of its groups; None where neither is."""
    if _is_gap(metric):
        is_worse = getattr(metric, "higher_is_worse", False)
        return "lower is better" if is_worse else "higher is better"
    return _BETTER.get(getattr(metric, "direction", ""))


def measured_name(metric: Metric) -> str:
    """The metric's name; of a gap, that of the values that are compared."""
    return metric.name.removesuffix(" gap") if _is_gap(metric) else metric.name


def _is_gap(metric: Metric) -> bool:
    return type(metric) in (GroupGap, GroupRatioGap)


def groups_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The columns by which the metrics tell groups of samples apart."""
    named = [getattr(metric, name, None) for metric in metrics for name in ("by", "group")]
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))


def clusters_of(metrics: Sequence[Metric]) -> str:
    """The column of the resampling unit of the first primary metric that has one; else empty."""
    named = [getattr(m, "clusters", None) for m in metrics if getattr(m, "primary", False)]
    return next((name for name in named if isinstance(name, str)), "")


@dataclass(frozen=True)
class DropColumns:
    """Where records have what was lost, and the clean value."""

    lost: str = "lost"
    clean: str = "clean"


def drop_metrics(
    figure: Figure,
    columns: DropColumns,
    groups: Sequence[str],
    clusters: str,
    told: str = "",
    primary: bool = False,
) -> Iterator[Metric]:
    """What is lost relative to the clean value: as a whole, by group, and how far groups differ.

    Where higher is better the performance drop rate, 1 - changed / clean; else the relative rise,
    changed / clean - 1. Range (-inf, inf), 0 where nothing is lost, 1 where an accuracy falls to
    0. Undefined where the clean values sum to 0. Reference: Zhu et al. 2023, arXiv:2306.04528.
    """
    name = f"{figure.name} {'relative drop' if figure.sign > 0 else 'relative rise'}{told}"
    lost, clean = columns.lost, columns.clean
    shared: dict[str, Any] = {"clusters": clusters or None, "direction": "lower is better"}
    yield Ratio(lost, clean, name=name, null=FREE, primary=primary, **shared)
    compared = {**shared, "higher_is_worse": True, "min_group_size": figure.min_group_size}
    for place, group in enumerate(groups):
        named = f"{name} by {group} gap" if place else f"{name} gap"
        yield GroupRatioGap(lost, clean, group, name=named, **compared)


def rate_of(figure: Figure, record: Record) -> float | None:
    """Value over weight of one sample; None where it has none."""
    found = figure.of(record)
    return None if found is None else found[0] / found[1]
