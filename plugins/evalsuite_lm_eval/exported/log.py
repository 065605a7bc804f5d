"""``evalsuite export --to lm-eval``: what ``lm_eval run --log_samples`` would leave.

    MODEL/results_MOMENT.json            every whole, defined estimate under ``metric,filter``
    MODEL/samples_TASK_MOMENT.jsonl      the answered samples, with the values of those metrics
                                         that average one

``evalsuite import-log`` reads it back, and so does whatever reads the harness's logs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Any

import numpy as np

from evalsuite import Estimate
from evalsuite.exports import (
    Export,
    ExportedFile,
    columns_of_means,
    file_name,
    file_names,
    one_line,
)
from evalsuite.store import JobResult, Run, finite
from evalsuite_lm_eval.exported.samples import Scored, answered_rows, line_of, output_type_of

NONE = "N/A"  # what the harness writes where there is no standard error


@dataclass(frozen=True)
class ExportedTask:
    """One job as a task: its name, its estimates by ``metric,filter``, the columns behind them."""

    name: str
    result: JobResult
    estimates: Mapping[str, Estimate]
    columns: Mapping[str, str]


def export(runs: Sequence[Run]) -> Export:
    """A folder for each model with one results file and a samples file for each task.

    An estimate that is the mean of a column has the standard error of the mean, as the harness
    computes it; any other that of a normal interval as wide as its own. Slices, undefined estimates
    and failed samples have no place in the format; samples that may hold secrets are left out.
    """
    files: list[ExportedFile] = []
    notes: list[str] = []
    for run in runs:
        folder = f"{file_name(run.name)}/" if len(runs) > 1 else ""
        for model, name in _folders(run).items():
            tasks = _tasks(run, model)
            if tasks:
                files += _files(run, model, tasks, f"{folder}{name}")
            notes += _notes(run, model, tasks)
    return Export(tuple(files), tuple(notes))


def _folders(run: Run) -> dict[str, str]:
    """A folder for each model, named as the harness does it: ``/`` and ``:`` become ``__``."""
    models = dict.fromkeys(result.model for result in run.results)
    spelt = {model: re.sub(r"[^A-Za-z0-9._-]+", "__", model) for model in models}
    names = file_names(spelt[model] or "model" for model in models)
    if len(names) == len(spelt):
        return {model: names[name or "model"] for model, name in spelt.items()}
    return file_names(models)


def _tasks(run: Run, model: str) -> list[ExportedTask]:
    tasks: list[ExportedTask] = []
    names = file_names(result.label for result in run.results)
    for result in run.results:
        estimates = {_key(e): e for e in result.estimates if not e.slice and math.isfinite(e.value)}
        if result.model != model or not estimates:
            continue
        columns = _columns(run, result, estimates)
        tasks.append(ExportedTask(names[result.label], result, estimates, columns))
    return tasks


def _key(estimate: Estimate) -> str:
    """``metric,filter``: a task of the harness names both, any other metric has no filter."""
    name = one_line(estimate.metric)
    return name if re.fullmatch(r"[^,]+,[^,]+", name) else f"{name.replace(',', ';')},none"


def _columns(run: Run, result: JobResult, estimates: Mapping[str, Estimate]) -> dict[str, str]:
    """``metric,filter`` -> the column of the records whose mean it is, where there is one."""
    first = next(answered_rows(run, result), None)
    record = first.record if first else {}
    means = columns_of_means(result)
    named = {key: means.get(e.metric, e.metric) for key, e in estimates.items()}
    return {key: column for key, column in named.items() if column in record}


def _files(
    run: Run, model: str, tasks: Sequence[ExportedTask], folder: str
) -> Iterator[ExportedFile]:
    moment = _moment(run)
    stamp = moment.replace(tzinfo=None).isoformat(timespec="microseconds").replace(":", "-")
    document = {
        **_results(run, tasks),
        "config": {
            "model": "evalsuite",
            "model_args": {"model": one_line(model)},
            "batch_size": "auto",
            "limit": None,
            "random_seed": run.plan.get("seed"),
        },
        "git_hash": (run.manifest.get("git") or {}).get("commit"),
        "date": moment.timestamp(),
        "transformers_version": run.manifest.get("versions", {}).get("transformers"),
        "lm_eval_version": f"evalsuite {run.manifest.get('versions', {}).get('evalsuite', '')}",
        "task_hashes": {},
        "model_source": "evalsuite",
        "model_name": one_line(model),
        "model_name_sanitized": folder.rpartition("/")[2],
        "system_instruction": None,
        "chat_template": None,
        "total_evaluation_time_seconds": str(run.manifest.get("seconds", "")),
    }
    text = json.dumps(finite(document), indent=2, ensure_ascii=True, allow_nan=False)
    yield ExportedFile(f"{folder}/results_{stamp}.json", [text.encode()])
    for task in tasks:
        if not task.result.sensitive and next(answered_rows(run, task.result), None) is not None:
            yield ExportedFile(f"{folder}/samples_{task.name}_{stamp}.jsonl", _lines(run, task))


def _results(run: Run, tasks: Sequence[ExportedTask]) -> dict[str, Any]:
    """The parts of a results file that have an entry for each task."""
    return {
        "results": {task.name: _row(run, task) for task in tasks},
        "group_subtasks": {task.name: [] for task in tasks},
        "configs": {task.name: _config(run, task) for task in tasks},
        "versions": {task.name: "evalsuite" for task in tasks},
        "n-shot": {task.name: 0 for task in tasks},
        "higher_is_better": {task.name: _directions(task) for task in tasks},
        "n-samples": {
            task.name: {
                "original": task.result.n_samples,
                "effective": task.result.n_samples - task.result.n_failed,
            }
            for task in tasks
        },
    }


def _row(run: Run, task: ExportedTask) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": task.name,
        "alias": one_line(task.result.label),
        "sample_len": task.result.n_samples - task.result.n_failed,
    }
    for key, estimate in task.estimates.items():
        metric, _, chosen = key.rpartition(",")
        row[key] = estimate.value
        row[f"{metric}_stderr,{chosen}"] = _stderr(run, task, key, estimate)
    return row


def _stderr(run: Run, task: ExportedTask, key: str, estimate: Estimate) -> float | str:
    column = task.columns.get(key)
    if column is not None:
        values = [r.record.get(column) for r in answered_rows(run, task.result)]
        numbers = np.array([v for v in values if isinstance(v, int | float)], dtype=float)
        if len(numbers) > 1:
            return float(numbers.std(ddof=1) / math.sqrt(len(numbers)))
        return NONE
    width = estimate.high - estimate.low
    if not math.isfinite(width):
        return NONE
    return float(width / 2 / NormalDist().inv_cdf((1 + estimate.level) / 2))


def _directions(task: ExportedTask) -> dict[str, bool | None]:
    known = {"higher is better": True, "lower is better": False}
    return {
        key.rpartition(",")[0]: known.get(estimate.direction)
        for key, estimate in task.estimates.items()
    }


def _config(run: Run, task: ExportedTask) -> dict[str, Any]:
    directions = _directions(task)
    config: dict[str, Any] = {
        "task": task.name,
        "num_fewshot": 0,
        "metric_list": [
            {"metric": m, "aggregation": "mean", "higher_is_better": directions[m]}
            for m in dict.fromkeys(key.rpartition(",")[0] for key in task.columns)
        ],
        "metadata": {"probe": one_line(task.result.probe), "source": one_line(task.result.source)},
    }
    kind = output_type_of(next(answered_rows(run, task.result), None))
    return {**config, "output_type": kind} if kind else config


def _lines(run: Run, task: ExportedTask) -> Iterator[bytes]:
    filters: dict[str, dict[str, str]] = {}
    for key, column in task.columns.items():
        metric, _, chosen = key.rpartition(",")
        filters.setdefault(chosen, {})[metric] = column
    for position, row in enumerate(answered_rows(run, task.result)):
        for chosen, columns in (filters or {"none": {}}).items():
            values = {metric: row.record.get(column) for metric, column in columns.items()}
            yield line_of(row, Scored(position, chosen, values))


def _moment(run: Run) -> datetime:
    try:
        return datetime.fromisoformat(str(run.manifest.get("started", "")))
    except ValueError:
        return datetime(1970, 1, 1)


def _notes(run: Run, model: str, tasks: Sequence[ExportedTask]) -> Iterator[str]:
    results = [result for result in run.results if result.model == model]
    counts = {
        "slices": sum(bool(e.slice) for r in results for e in r.estimates),
        "undefined estimates": sum(
            not e.slice and math.isnan(e.value) for r in results for e in r.estimates
        ),
        "failed samples": sum(task.result.n_failed for task in tasks),
        "task(s) whose samples may hold secrets": sum(t.result.sensitive for t in tasks),
    }
    told = [f"{number} {what}" for what, number in counts.items() if number]
    if told:
        yield f"{one_line(model)}: the format has no place for {', '.join(told)}."
