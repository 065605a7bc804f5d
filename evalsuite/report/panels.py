"""One panel for each family, one entry for each probe: chart, table of all estimates, card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.report.charts import draw, forest
from evalsuite.report.scorecard import FAMILIES
from evalsuite.report.verdicts import shown
from evalsuite.report.wording import MARKS, interval, null, number, short
from evalsuite.store import JobResult


@dataclass(frozen=True)
class Line:
    """One estimate of one model."""

    model: str
    metric: str
    slice: str
    value: str
    interval: str
    null: str
    mark: str
    verdict: str
    n: int
    n_failed: int
    method: str
    note: str


@dataclass(frozen=True)
class Entry:
    """One probe on one source."""

    label: str
    probe: str
    source: str
    options: str
    card: Mapping[str, str]
    charts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    absent: tuple[str, ...]
    is_partial: bool


@dataclass(frozen=True)
class Panel:
    """One family."""

    family: str
    entries: tuple[Entry, ...]


def panels(results: Sequence[JobResult], specifications: dict[str, Any]) -> list[Panel]:
    """All panels; the raw chart specifications are put into ``specifications`` by title."""
    made = []
    for family in FAMILIES:
        part = [r for r in results if r.family == family]
        labels = dict.fromkeys(result.label for result in part)
        entries = [
            _entry([r for r in part if r.label == label], specifications) for label in labels
        ]
        if entries:
            made.append(Panel(family, tuple(entries)))
    return made


def _entry(results: Sequence[JobResult], specifications: dict[str, Any]) -> Entry:
    first = results[0]
    measured = [r for r in results if r.status not in ("not applicable", "interrupted")]
    return Entry(
        label=first.label or first.probe,
        probe=first.probe,
        source=first.source,
        options=", ".join(f"{k}: {v}" for k, v in first.options.items()),
        card=first.card,
        charts=tuple(_charts(measured, specifications)),
        lines=tuple(_line(result, e) for result in measured for e in result.estimates),
        absent=tuple(
            f"{short(r.model)}: {r.reason or r.status}"
            for r in results
            if r.status in ("not applicable", "failed", "interrupted")
        ),
        is_partial=any(result.status == "partial" for result in results),
    )


def _charts(results: Sequence[JobResult], specifications: dict[str, Any]) -> list[tuple[str, str]]:
    """One drawing for each primary metric."""
    drawn = []
    for metric in dict.fromkeys(e.metric for r in results for e in shown(r)):
        rows = [(short(r.model), e) for r in results for e in shown(r) if e.metric == metric]
        if all(e.verdict == "undefined" for _, e in rows):
            continue
        title = f"{results[0].label}: {metric}"
        specifications[title] = forest(rows, title)
        drawn.append((metric, draw(specifications[title])))
    return drawn


def _line(result: JobResult, estimate: Any) -> Line:
    mark, verdict = MARKS[estimate.verdict]
    extra = ", ".join(
        f"{key.replace('_', ' ')} {number(value) if isinstance(value, float) else value}"
        for key, value in estimate.extra.items()
        if value is not None
    )
    return Line(
        model=short(result.model),
        metric=estimate.metric,
        slice=estimate.slice,
        value=number(estimate.value),
        interval=interval(estimate),
        null=null(estimate),
        mark=mark,
        verdict=verdict,
        n=estimate.n,
        n_failed=estimate.n_failed,
        method=f"{estimate.method}; unit: {estimate.unit}" if estimate.method else "",
        note="; ".join(filter(None, (estimate.reason, extra))),
    )
