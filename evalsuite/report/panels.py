"""One panel for each family, one entry for each probe: chart, table of all estimates, card."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.metric import Estimate
from evalsuite.report.comparisons import Compared
from evalsuite.report.controls import Validation
from evalsuite.report.differences import difference_plots, difference_table
from evalsuite.report.forest import Forest
from evalsuite.report.scorecard import families
from evalsuite.report.section import Table
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
    differences: Table | None
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
    not_applicable: Table | None = None


# More rows than this are read in a table.
MAX_SLICE_ROWS = 24
MAX_SLICED_METRICS = 2


def panels(
    results: Sequence[JobResult],
    validations: Sequence[Validation],
    compared: Compared,
    specifications: dict[str, Any],
) -> list[Panel]:
    """All panels; the raw chart specifications are put into ``specifications`` by title."""
    made = []
    for family in families(results):
        part = [r for r in results if r.family == family]
        labels = dict.fromkeys(r.label for r in part if r.status != NOT_APPLICABLE)
        entries = [
            _entry([r for r in part if r.label == label], validations, compared, specifications)
            for label in labels
        ]
        made.append(Panel(family, tuple(entries), _not_applicable(part)))
    return made


NOT_APPLICABLE = "not applicable"
_UNFINISHED = ("failed", "interrupted", "pending")


def _not_applicable(results: Sequence[JobResult]) -> Table | None:
    """Which probes of a family each model could not be asked, and why; one line where folded."""
    found: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.status == NOT_APPLICABLE:
            found.setdefault((result.model, result.reason), []).append(result.label)
    if not found:
        return None
    order = list(dict.fromkeys(model for model, _ in found))
    rows = tuple(
        (model, ", ".join(labels), why)
        for (model, why), labels in sorted(found.items(), key=lambda item: order.index(item[0][0]))
    )
    n = sum(map(len, found.values()))
    pairs = "combination" if n == 1 else "combinations"
    caption = f"Not applicable, and why: {n} {pairs} of probe and model"
    return Table(caption, ("Model", "Probes", "Why"), rows, fold="closed")


def _entry(
    results: Sequence[JobResult],
    validations: Sequence[Validation],
    compared: Compared,
    specifications: dict[str, Any],
) -> Entry:
    first = results[0]
    differences = compared.primary_of(first.label)
    measured = [r for r in results if r.status not in (NOT_APPLICABLE, "interrupted")]
    return Entry(
        label=first.label or first.probe,
        probe=first.probe,
        source=first.source,
        options=", ".join(f"{k}: {v}" for k, v in first.options.items()),
        card=first.card,
        charts=(
            *_charts(measured, compared, specifications),
            *_kept(difference_plots(first.label, differences), specifications),
        ),
        differences=difference_table(first.label, differences),
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


def _charts(
    results: Sequence[JobResult], compared: Compared, specifications: dict[str, Any]
) -> list[tuple[str, str]]:
    """One drawing for each primary metric, and of the slices of the first that have any."""
    plots = []
    for metric in dict.fromkeys(e.metric for r in results for e in shown(r)):
        rows = [(r.model, e) for r in results for e in shown(r) if e.metric == metric]
        beside = [e.value for model, e in rows if model in compared.baselines]
        # One line can stand for one baseline only.
        baseline = beside[0] if len(beside) == 1 and len(rows) > 1 else None
        plots += _plot(f"{results[0].label}: {metric}", metric, rows, baseline)
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
            plots += _plot(title, f"{metric} by slice", rows)
    return _kept(plots, specifications)


def _plot(
    title: str,
    caption: str,
    rows: Sequence[tuple[str, Estimate]],
    baseline: float | None = None,
) -> list[tuple[str, Forest]]:
    if all(e.verdict == "undefined" for _, e in rows):
        return []
    rows = [(str(visible(name)), estimate) for name, estimate in rows]
    if baseline is not None and not math.isfinite(baseline):
        baseline = None
    return [(caption, Forest(str(visible(title)), rows, baseline))]


def _kept(
    plots: Sequence[tuple[str, Forest]], specifications: dict[str, Any]
) -> list[tuple[str, str]]:
    """The drawings, after their specifications were kept for the downloads."""
    for _, plot in plots:
        specifications[plot.title] = plot.specification
    return [(caption, plot.svg) for caption, plot in plots]


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
