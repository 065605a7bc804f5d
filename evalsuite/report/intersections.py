"""Rates of people who are in two groups at once, or more: one table for each rate of each job."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from evalsuite.metric import Direction, Estimate
from evalsuite.report.section import Cell, Section, Table
from evalsuite.report.wording import interval, number
from evalsuite.sliced import BETWEEN
from evalsuite.store import JobResult

_ABOUT = (
    "Rates of people who are in several groups at once: what is even in each group alone can be "
    "uneven where groups meet. Below each rate stand its 95 % interval and how many people it is a "
    "share of; of those who are positive or negative, where the rate is one of errors. The worst "
    "and the best cell of a table are marked, or the highest and the lowest where neither way is "
    "better; with so many cells some are far apart by chance, so read the intervals."
)
Rows: TypeAlias = tuple[tuple[str | Cell, ...], ...]

_ENDS: dict[Direction, tuple[str, str]] = {  # what the lowest and the highest value are called
    "lower is better": ("best", "worst"),
    "higher is better": ("worst", "best"),
}


@dataclass(frozen=True)
class Crossing:
    """One rate of one job wherever the values of all columns meet.

    Attributes:
        columns: The columns of groups, two or more.
        values: The values of each column that were met.
        cells: The estimate of each combination that was met, by the joined values.
    """

    result: JobResult
    metric: str
    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    cells: Mapping[str, Estimate]


def intersections(results: Sequence[JobResult]) -> list[Section]:
    """The section, or none where no job has rates at intersections."""
    jobs = [list(_crossings(result)) for result in results if not result.variant]
    tables = tuple(
        _table(crossing, is_first=place == 0)
        for crossings in jobs
        for place, crossing in enumerate(crossings)
    )
    section = Section("Intersections of groups", (_ABOUT,), tables, family="fairness")
    return [section] if tables else []


def _crossings(result: JobResult) -> Iterator[Crossing]:
    """Every rate that has slices by several columns at once, and by each of these alone."""
    slices: dict[str, dict[str, dict[str, Estimate]]] = {}
    for estimate in result.estimates:
        axis, _, value = estimate.slice.partition("=")
        slices.setdefault(estimate.metric, {}).setdefault(axis, {})[value] = estimate
    for metric, axes in slices.items():
        for axis, joint in axes.items():
            columns = tuple(axis.split(BETWEEN))
            if len(columns) > 1 and all(column in axes for column in columns):
                values = tuple(tuple(axes[column]) for column in columns)
                yield Crossing(result, metric, columns, values, joint)


def _table(crossing: Crossing, is_first: bool) -> Table:
    result, metric = crossing.result, crossing.metric
    about = f"{result.label or result.probe} · {result.model}: {metric}"
    caption = f"{about} by {', '.join(crossing.columns[:-1])} and {crossing.columns[-1]}"
    marks = _marks(list(crossing.cells.values()))
    told = {name: _told(estimate, marks) for name, estimate in crossing.cells.items()}
    heads, rows = (
        _crossed(crossing, told) if len(crossing.columns) == 2 else _listed(crossing, told)
    )
    return Table(caption, heads, rows, "open" if is_first else "closed")


def _crossed(crossing: Crossing, told: Mapping[str, Cell]) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows: the column with fewer values goes across, since pages are narrow."""
    order = (1, 0) if len(crossing.values[1]) > len(crossing.values[0]) else (0, 1)
    down, across = (crossing.values[place] for place in order)
    heads = (" × ".join(crossing.columns[place] for place in order), *across)
    nobody = Cell("nobody counted")

    def row(one: str) -> tuple[str | Cell, ...]:
        names = (BETWEEN.join((one, other)[place] for place in order) for other in across)
        return (one, *(told.get(name, nobody) for name in names))

    return heads, tuple(row(one) for one in down)


def _listed(crossing: Crossing, told: Mapping[str, Cell]) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows: one row for each combination that was met."""
    return (BETWEEN.join(crossing.columns), crossing.metric), tuple(told.items())


def _marks(estimates: Sequence[Estimate]) -> dict[float, str]:
    """What the extreme values are called; nothing where all are the same."""
    values = [estimate.value for estimate in estimates if not math.isnan(estimate.value)]
    if not values or min(values) == max(values):
        return {}
    low, high = _ENDS.get(estimates[0].direction, ("lowest", "highest"))
    return {min(values): low, max(values): high}


def _told(estimate: Estimate, marks: Mapping[float, str]) -> Cell:
    if math.isnan(estimate.value):
        return Cell(f"no rate (n = {estimate.n:,})", estimate.reason or "")
    beside = ", ".join(filter(None, (interval(estimate), f"n = {estimate.n:,}")))
    return Cell(number(estimate.value), beside, marks.get(estimate.value, ""))
