"""``model-card``: a Hugging Face model card whose ``model-index`` holds the primary estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from evalsuite.exports.files import Export, ExportedFile, file_names
from evalsuite.exports.markdown_summary import table
from evalsuite.exports.texts import code_span, markdown_text, one_line
from evalsuite.metric import Estimate
from evalsuite.report.verdicts import shown
from evalsuite.report.wording import interval, null, number
from evalsuite.store import JobResult, Run


def export(runs: Sequence[Run]) -> Export:
    """One card for each model; ``README.md`` where there is one model in all.

    The metadata have every primary estimate that is defined, with its interval, under the keys of
    the hub's specification; the text has all of them, what they measure and what they do not.
    """
    cards: dict[str, list[tuple[Run, JobResult]]] = {}
    for run in runs:
        for result in run.results:
            cards.setdefault(result.model, []).append((run, result))
    folders = file_names(cards)
    files = tuple(
        ExportedFile(
            "README.md" if len(cards) == 1 else f"{folders[model]}/README.md",
            [_card(model, jobs).encode()],
        )
        for model, jobs in cards.items()
    )
    undefined = sum(
        math.isnan(e.value) for jobs in cards.values() for _, r in jobs for e in shown(r)
    )
    note = f"{undefined} undefined estimates stand in the text only: the metadata take numbers."
    return Export(files, (note,) if undefined else ())


def _card(model: str, jobs: Sequence[tuple[Run, JobResult]]) -> str:
    reference = model.partition(":")[2] or model
    entries = [entry for run, result in jobs if (entry := _entry(run, result))]
    index = [{"name": one_line(reference), "results": entries}] if entries else []
    metadata: dict[str, Any] = {"tags": ["evalsuite"]}
    if index:
        metadata["model-index"] = index
    head = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{head}---\n" + "\n".join(_body(reference, jobs)) + "\n"


def _entry(run: Run, result: JobResult) -> dict[str, Any] | None:
    """One result of a model-index: a task, a data set and its metrics."""
    metrics = [_metric(e) for e in shown(result) if not math.isnan(e.value)]
    if not metrics:
        return None
    sources = {str(s["name"]): s for s in run.plan.get("sources", ())}
    source = sources.get(result.source, {})
    data_set = {
        "name": one_line(result.source or "unnamed"),
        "type": one_line(str(source.get("type") or result.source or "unnamed")),
        # What tells entries of one type apart for readers that merge them.
        "config": one_line(result.label),
        "revision": one_line(str(source.get("fingerprint") or "")),
    }
    task = one_line(result.probe.rpartition("/")[2] or result.probe)
    return {
        "task": {"type": task, "name": one_line(result.label)},
        "dataset": {key: value for key, value in data_set.items() if value},
        "metrics": metrics,
    }


def _metric(estimate: Estimate) -> dict[str, Any]:
    told: dict[str, Any] = {"n": estimate.n, "unit": one_line(estimate.unit)}
    if not math.isnan(estimate.low) and not math.isnan(estimate.high):
        told |= {"low": estimate.low, "high": estimate.high, "level": estimate.level}
        told["method"] = one_line(estimate.method)
    name = one_line(estimate.metric)
    return {
        "type": name.lower().replace(" ", "_"),
        "name": name,
        "value": estimate.value,
        "args": told,
    }


def _body(reference: str, jobs: Sequence[tuple[Run, JobResult]]) -> Iterator[str]:
    yield f"# {code_span(reference)}"
    yield ""
    yield "## Evaluation"
    yield ""
    yield (
        "Measured with evalsuite. Each estimate has its interval; an undefined one says why. "
        "The null is what the estimate would be if there were nothing to find."
    )
    yield ""
    head = ("Probe", "Metric", "Estimate", "95 % interval", "n", "Null", "Direction")
    applicable = [(run, result) for run, result in jobs if result.status != "not applicable"]
    yield from table(head, [_row(result, e) for _, result in applicable for e in shown(result)])
    yield ""
    yield "### What was measured, and what was not"
    yield ""
    for label, card in {result.label: result.card for _, result in applicable}.items():
        yield f"- {code_span(label)}. {markdown_text(card.get('measures', ''))}"
        if card.get("does_not_measure"):
            yield f"  Not measured: {markdown_text(card['does_not_measure'])}"
    for _, result in applicable:
        if not result.estimates:
            yield f"- {code_span(result.label)} {result.status}: {code_span(result.reason)}"
    yield ""
    for run in {run.path: run for run, _ in jobs}.values():
        yield (
            f"Run {code_span(run.name)}, started "
            f"{code_span(str(run.manifest.get('started', '')))}, seed "
            f"{code_span(str(run.plan.get('seed', '')))}."
        )


def _row(result: JobResult, estimate: Estimate) -> tuple[str, ...]:
    value = number(estimate.value)
    if math.isnan(estimate.value):
        value = f"not measured: {code_span(estimate.reason or '')}"
    return (
        code_span(result.label),
        code_span(estimate.metric),
        value,
        interval(estimate),
        str(estimate.n),
        null(estimate),
        estimate.direction,
    )
