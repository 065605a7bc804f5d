"""``markdown``: a summary for a pull request: findings, a table, and what else there is, folded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from evalsuite.exports.files import Export, ExportedFile
from evalsuite.exports.texts import code_span
from evalsuite.metric import Estimate
from evalsuite.report.subjects import with_distinct_models
from evalsuite.report.verdicts import SIGNS, meaning, plain_account, shown
from evalsuite.report.wording import interval, null, number
from evalsuite.store import JobResult, Run

# GitHub refuses a comment of more than 65,536 characters.
MAX_ROWS = 100


def export(runs: Sequence[Run]) -> Export:
    """One document; every name and reason stands in it as code, whatever is in them."""
    named = with_distinct_models(runs)
    text = "\n".join(_document(named)) + "\n"
    return Export((ExportedFile("summary.md", [text.encode()]),))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table of cells that are Markdown already; says where it is cut."""
    lines = [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(cells)} |" for cells in rows[:MAX_ROWS]),
    ]
    cut = len(rows) - MAX_ROWS
    return [*lines, "", f"{cut} more rows are in the run directory."] if cut > 0 else lines


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines behind a summary that a click opens, with the empty line that ends HTML in Markdown."""
    return ["", "<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def incomplete(runs: Sequence[Run]) -> list[str]:
    """What is missing of runs, one Markdown sentence each."""
    told = [
        f"⚠ The run {code_span(run.name)} is not complete."
        for run in runs
        if not run.manifest.get("complete")
    ]
    lost = [r for run in runs for r in run.results if r.status in ("failed", "interrupted")]
    told += [
        f"⚠ {code_span(r.label)} on {code_span(r.model)} {r.status}: "
        f"{code_span(r.reason) or 'no reason given'}."
        for r in lost
    ]
    return told


def _document(runs: Sequence[Run]) -> Iterator[str]:
    results = [result for run in runs for result in run.results]
    yield "## Evaluation"
    yield ""
    yield plain_account(results)
    for line in incomplete(runs):
        yield f"\n{line}"
    yield ""
    yield from table(
        ("Model", "Measure", "Estimate", "95 % interval", "n", "Null", "Finding"),
        [_row(r, e) for r in results if r.status != "not applicable" for e in shown(r)],
    )
    rest = [(r, e) for r in results for e in r.estimates if e not in shown(r)]
    if rest:
        rows = [_further(r, e) for r, e in rest]
        yield from folded(f"{len(rest)} further estimates", table(_FURTHER, rows))
    skipped = [r for r in results if r.status == "not applicable"]
    if skipped:
        told = [(code_span(r.model), code_span(r.label), code_span(r.reason)) for r in skipped]
        yield from folded(
            f"{len(skipped)} probes that do not apply", table(("Model", "Probe", "Because"), told)
        )
    yield from folded("How it was run", _provenance(runs))


_FURTHER = ("Model", "Measure", "Slice", "Estimate", "95 % interval", "n")


def _row(result: JobResult, estimate: Estimate) -> tuple[str, ...]:
    mark, words = SIGNS[meaning(result.family, estimate)]
    finding = f"{mark} {words}".strip()
    if math.isnan(estimate.value):
        finding = f"{finding}: {code_span(estimate.reason or '')}"
    return (
        code_span(result.model),
        f"{code_span(result.label)} {code_span(estimate.metric)}",
        number(estimate.value),
        _bounds(estimate),
        str(estimate.n),
        null(estimate),
        finding,
    )


def _further(result: JobResult, estimate: Estimate) -> tuple[str, ...]:
    return (
        code_span(result.model),
        f"{code_span(result.label)} {code_span(estimate.metric)}",
        code_span(estimate.slice),
        number(estimate.value),
        _bounds(estimate),
        str(estimate.n),
    )


def _bounds(estimate: Estimate) -> str:
    level = "" if estimate.level == 0.95 else f" at {estimate.level:g}"
    return f"{interval(estimate)}{level}" if interval(estimate) else ""


def _provenance(runs: Sequence[Run]) -> list[str]:
    lines = []
    for run in runs:
        versions = run.manifest.get("versions", {})
        told = [
            f"run {code_span(run.name)}",
            f"suite {code_span(str(run.plan.get('suite_name', '')))}",
            f"seed {code_span(str(run.plan.get('seed', '')))}",
            f"started {code_span(str(run.manifest.get('started', '')))}",
            f"evalsuite {code_span(str(versions.get('evalsuite', '')))}",
        ]
        lines.append(f"- {', '.join(told)}")
    return lines
