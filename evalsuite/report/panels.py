"""One panel for each family, one entry for each probe: chart, table of all estimates, card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.metric import Estimate
from evalsuite.report.controls import Validation
from evalsuite.report.forest import Forest
from evalsuite.report.scorecard import families
from evalsuite.report.verdicts import SIGNS, meaning, shown
from evalsuite.report.wording import interval, null, number, visible
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
    failures: tuple[str, ...]
    validated: str
    is_partial: bool


@dataclass(frozen=True)
class Panel:
    """One family."""

    family: str
    entries: tuple[Entry, ...]


# More rows than this are read in a table.
MAX_SLICE_ROWS = 24
MAX_SLICED_METRICS = 2


def panels(
    results: Sequence[JobResult],
    validations: Sequence[Validation],
    specifications: dict[str, Any],
) -> list[Panel]:
    """All panels; the raw chart specifications are put into ``specifications`` by title."""
    made = []
    for family in families(results):
        part = [r for r in results if r.family == family]
        labels = dict.fromkeys(result.label for result in part)
        entries = [
            _entry([r for r in part if r.label == label], validations, specifications)
            for label in labels
        ]
        if entries:
            made.append(Panel(family, tuple(entries)))
    return made


_UNFINISHED = ("not applicable", "failed", "interrupted", "pending")


def _entry(
    results: Sequence[JobResult],
    validations: Sequence[Validation],
    specifications: dict[str, Any],
) -> Entry:
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
            f"{r.model}: {r.status}{f' – {r.reason}' if r.reason else ''}"
            for r in results
            if r.status in _UNFINISHED
        ),
        failures=tuple(_failures(r) for r in results if r.n_failed),
        validated=_validated([v for v in validations if v.label == first.label]),
        is_partial=any(result.status == "partial" for result in results),
    )


def _failures(result: JobResult) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.failures.items()))
    return (
        f"{result.model}: {result.n_failed:,} of {result.n_samples:,} samples have no answer"
        f"{f' ({kinds})' if kinds else ''}; they count in no estimate."
    )


def _validated(validations: Sequence[Validation]) -> str:
    """Whether the control models in these runs showed that the probe works; empty if not tried."""
    answers = [v.answer for v in validations]
    if not answers:
        return ""
    return next((answer for answer in answers if answer != "yes"), "yes")


def _charts(results: Sequence[JobResult], specifications: dict[str, Any]) -> list[tuple[str, str]]:
    """One drawing for each primary metric, and of the slices of the first that have any."""
    drawn = []
    for metric in dict.fromkeys(e.metric for r in results for e in shown(r)):
        rows = [(r.model, e) for r in results for e in shown(r) if e.metric == metric]
        drawn += _drawn(f"{results[0].label}: {metric}", metric, rows, specifications)
    sliced = dict.fromkeys(e.metric for r in results for e in r.estimates if e.slice)
    for metric in list(sliced)[:MAX_SLICED_METRICS]:
        rows = [
            (f"{r.model} · {e.slice} (n={e.n})", e)
            for r in results
            for e in r.estimates
            if e.slice and e.metric == metric
        ]
        title = f"{results[0].label}: {metric} by slice"
        n_slices = len({e.slice for r in results for e in r.estimates if e.slice})
        if n_slices > 1 and len(rows) <= MAX_SLICE_ROWS:  # one slice is the whole
            drawn += _drawn(title, f"{metric} by slice", rows, specifications)
    return drawn


def _drawn(
    title: str,
    caption: str,
    rows: Sequence[tuple[str, Estimate]],
    specifications: dict[str, Any],
) -> list[tuple[str, str]]:
    if all(e.verdict == "undefined" for _, e in rows):
        return []
    rows = [(str(visible(name)), estimate) for name, estimate in rows]
    plot = Forest(str(visible(title)), rows)
    specifications[title] = plot.specification
    return [(caption, plot.svg)]


def _line(result: JobResult, estimate: Estimate) -> Line:
    mark, verdict = SIGNS[meaning(result.family, estimate)]
    extra = ", ".join(
        f"{key.replace('_', ' ')} {number(value) if isinstance(value, float) else value}"
        for key, value in estimate.extra.items()
        if value is not None
    )
    return Line(
        model=result.model,
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
