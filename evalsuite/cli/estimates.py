"""Estimates as a terminal table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from evalsuite.cli.conventions import plain_table
from evalsuite.metric import Estimate
from evalsuite.store import JobResult, estimate_to_json

MARKS = {
    "differs from null": "● differs",
    "compatible with null": "○ compatible",
    "no null": "",
    "undefined": "– undefined",
}


def figure(value: float) -> str:
    """A number with three significant digits after the point, or n/a."""
    return "n/a" if math.isnan(value) else f"{value:.3f}"


def interval(estimate: Estimate) -> str:
    """``[low, high]``, or empty."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def null_text(estimate: Estimate) -> str:
    """The null with its margin."""
    if estimate.null is None:
        return ""
    margin = f" ± {estimate.null.margin:g}" if estimate.null.margin else ""
    return f"{estimate.null.value:.3f}{margin}"


def primary(result: JobResult) -> list[Estimate]:
    """The estimates that a short table shows: the primary ones, else the first."""
    chosen = [estimate for estimate in result.estimates if estimate.is_primary]
    return chosen or list(result.estimates[:1])


def print_estimates(console: Console, results: Sequence[JobResult]) -> None:
    """One row for each primary estimate; grouped by probe, so that models stand together."""
    table = plain_table()
    for name, justify in (
        ("probe", "left"),
        ("model", "left"),
        ("metric", "left"),
        ("value", "right"),
        ("95 % interval", "left"),
        ("null", "left"),
        ("verdict", "left"),
        ("n", "right"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    previous = None
    for result in sorted(results, key=lambda r: (r.family, r.label)):
        if result.status in ("not applicable", "interrupted"):
            continue
        label = result.label if result.label != previous else ""
        previous = result.label
        for estimate in primary(result) or [None]:  # type: ignore[list-item]
            table.add_row(*_cells(label, result, estimate))
            label = ""
    console.print(table)
    skipped = sum(result.status == "not applicable" for result in results)
    if skipped:
        console.print(f"{skipped} combinations are not applicable (the report lists them).")


def _cells(label: str, result: JobResult, estimate: Estimate | None) -> list[Text | str]:
    if estimate is None:
        return [Text(label), Text(result.model), "", "", "", "", Text(result.status), ""]
    note = estimate.reason or MARKS[estimate.verdict]
    return [
        Text(label),
        Text(result.model),
        Text(estimate.metric),
        figure(estimate.value),
        Text(interval(estimate)),
        null_text(estimate),
        Text(note),
        str(estimate.n),
    ]


def estimates_document(results: Sequence[JobResult]) -> list[dict[str, Any]]:
    """The jobs of a run as JSON objects."""
    return [
        {
            "id": r.id,
            "model": r.model,
            "probe": r.probe,
            "label": r.label,
            "family": r.family,
            "status": r.status,
            "reason": r.reason,
            "n_samples": r.n_samples,
            "n_failed": r.n_failed,
            "failures": dict(r.failures),
            "estimates": [estimate_to_json(estimate) for estimate in r.estimates],
        }
        for r in results
    ]
