"""Estimates as a terminal table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

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
    """A heading for each probe and metric, and one line below it for each model."""
    for heading, rows in _by_heading(results).items():
        console.print(Text(heading, style="bold"))
        width = max(len(result.model) for result, _ in rows)
        for result, estimate in rows:
            console.print(Text(_line(result, estimate, max(width, 26))), soft_wrap=True)
    skipped = sum(result.status == "not applicable" for result in results)
    if skipped:
        console.print(f"{skipped} combinations are not applicable (the report lists them).")


def _by_heading(
    results: Sequence[JobResult],
) -> dict[str, list[tuple[JobResult, Estimate | None]]]:
    """The shown estimates of all models under ``probe: metric``: the suite's order by family."""
    headings: dict[str, list[tuple[JobResult, Estimate | None]]] = {}
    families = list(dict.fromkeys(result.family for result in results))
    for result in sorted(results, key=lambda r: families.index(r.family)):
        if result.status in ("not applicable", "interrupted"):
            continue
        if result.status == "failed" and not result.estimates:
            headings.setdefault(result.label, []).append((result, None))
        for estimate in primary(result):
            heading = f"{result.label}: {estimate.metric}"
            headings.setdefault(heading, []).append((result, estimate))
    return headings


def _line(result: JobResult, estimate: Estimate | None, width: int) -> str:
    """Model, value, interval, sample size, null and verdict, in columns."""
    if estimate is None:
        return f"  {result.model:<{width}}  {result.status}"
    null = f"null {null_text(estimate)}" if estimate.null else ""
    verdict = estimate.reason or MARKS[estimate.verdict]
    line = (
        f"  {result.model:<{width}}  {figure(estimate.value):>6} {interval(estimate):<17} "
        f"n {estimate.n:<6} {null:<18} {verdict}"
    )
    return line.rstrip()


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
