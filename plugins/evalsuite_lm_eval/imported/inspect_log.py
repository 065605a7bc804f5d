"""Logs of Inspect: one JSON file, or an ``.eval`` archive of JSON files.

Read by their documented keys. Values of scorers become numbers as Inspect's own metrics read
them: C is 1, P is 1/2, I and N are 0. Epochs of a sample are reduced as the log says, or, in a
log that was cut short, by their mean; the sample stays the unit of every interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsuite import DataError
from evalsuite_lm_eval.imported.archive import Archive
from evalsuite_lm_eval.imported.log import Log, LoggedDocument, LoggedTask, PublishedMetric

GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
MEANS = frozenset({"accuracy", "mean"})
ERRORS = frozenset({"stderr", "bootstrap_stderr"})


def is_inspect(document: Any) -> bool:
    """Whether a JSON document is a log of Inspect, or the header of one."""
    return isinstance(document, Mapping) and {"eval", "status", "version"} <= document.keys()


def read_inspect_json(path: Path, document: Mapping[str, Any]) -> Log:
    """A log in one JSON file."""
    return _log(path, document, document.get("samples") or (), document.get("reductions") or ())


def read_inspect_archive(path: Path) -> Log:
    """A log in an ``.eval`` archive.

    Raises:
        DataError: It is no archive, is damaged, or lacks its header.
    """
    with Archive(path) as archive:
        names = archive.names
        if "header.json" in names:
            header = archive.json("header.json")
        elif "_journal/start.json" in names:  # stopped before its end: no results, but samples
            header = {"status": "started", **archive.json("_journal/start.json")}
        else:
            raise DataError(
                f"{path} is an archive without `header.json`: no log of Inspect. `import-log` "
                "reads what Inspect writes into its log directory."
            )
        samples = (archive.json(name) for name in names if name.startswith("samples/"))
        has_reductions = "reductions.json" in names
        reductions = archive.json("reductions.json") if has_reductions else ()
        return _log(path, header, samples, reductions)


def _log(
    path: Path,
    header: Mapping[str, Any],
    samples: Iterator[Any] | Sequence[Any],
    reductions: Sequence[Mapping[str, Any]],
) -> Log:
    told = header["eval"]
    reduced = _reduced(reductions)
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for sample in samples:
        by_id.setdefault(str(sample.get("id")), []).append(_light(sample))
    documents = tuple(_document(name, epochs, reduced) for name, epochs in by_id.items())
    results = header.get("results") or {}
    config = told.get("config") or {}
    facts = {
        "harness": "Inspect",
        "harness version": str((told.get("packages") or {}).get("inspect_ai", "")),
        "status": str(header.get("status", "")),
        "epochs": str(config.get("epochs") or ""),
        "data": str((told.get("dataset") or {}).get("name") or ""),
        "logged": str(told.get("created", "")),
    }
    return Log(
        str(path),
        str(told.get("model", "model")),
        "Inspect",
        {key: value for key, value in facts.items() if value},
        (
            LoggedTask(
                str(told.get("task_display_name") or told.get("task", "task")),
                tuple(_metrics(results, documents)),
                documents,
                len(documents) or int(results.get("completed_samples") or 0),
                str(told.get("task_version", "")),
            ),
        ),
    )


def _metrics(
    results: Mapping[str, Any], documents: Sequence[LoggedDocument]
) -> Iterator[PublishedMetric]:
    """The metrics of every score; where the log has none, the mean of each column."""
    scores = results.get("scores") or ()
    for score in scores:
        reducer = score.get("reducer")
        column = _column(score["name"], reducer)
        metrics = score.get("metrics") or {}
        errors = [m.get("value") for name, m in metrics.items() if m.get("name", name) in ERRORS]
        for name, metric in metrics.items():
            called = str(metric.get("name", name)).rpartition("/")[2]
            if called in ERRORS:
                continue
            is_mean = called in MEANS
            yield PublishedMetric(
                f"{column}/{name}",
                _finite(metric.get("value")),
                _finite(errors[0]) if errors and is_mean else None,
                True if called == "accuracy" else None,
                ("mean",) if is_mean else (),
                column,
            )
    if not scores:
        columns = dict.fromkeys(name for document in documents for name in document.values)
        for column in columns:
            yield PublishedMetric(f"{column}/mean", None, column=column)


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _column(name: str, reducer: str | None) -> str:
    return f"{name} ({reducer})" if reducer else name


# ------------------------------------------------------------------------------------------------
# Samples
# ------------------------------------------------------------------------------------------------

Reduced = dict[tuple[str, str], float]


def _reduced(reductions: Sequence[Mapping[str, Any]]) -> Reduced:
    """(column, sample id) -> the value that the log's own reducer made of its epochs."""
    found: Reduced = {}
    for reduction in reductions:
        for sample in reduction.get("samples") or ():
            for key, value in _numbers(reduction["scorer"], sample.get("value")):
                column = _column(key, reduction.get("reducer"))
                found[column, str(sample.get("sample_id"))] = value
    return found


def _numbers(scorer: str, value: Any) -> Iterator[tuple[str, float]]:
    """The numbers of one score: one, or one for each key of a mapping."""
    parts = value.items() if isinstance(value, Mapping) else ((scorer, value),)
    for name, part in parts:
        number = _as_number(part)
        if number is not None:
            yield str(name), number


def _as_number(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    if value in GRADES:
        return GRADES[value]
    if value.lower() in WORDS:
        return WORDS[value.lower()]
    try:
        return float(value)
    except ValueError:
        return None


def _light(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sample without its events, which are most of a log."""
    kept = ("input", "choices", "target", "output", "scores", "error", "epoch", "files")
    return {key: sample.get(key) for key in kept}


def _document(identifier: str, epochs: list[Mapping[str, Any]], reduced: Reduced) -> LoggedDocument:
    first = epochs[0]
    answered = [epoch for epoch in epochs if not epoch.get("error")]
    values: dict[str, Any] = {
        column: value for (column, sample), value in reduced.items() if sample == identifier
    }
    if not reduced:
        values = _means(answered)
    failure = None
    if not values:
        error = next((epoch["error"] for epoch in epochs if epoch.get("error")), None)
        failure = _message_of(error) if error else "the log holds no score for it"
    return LoggedDocument(
        id=identifier,
        document={key: first.get(key) for key in ("input", "choices", "target")},
        values=values,
        prompt=_text(first.get("input")),
        answer=_completion((answered or epochs)[0].get("output")),
        target=_text(first.get("target")),
        chance=None,
        failure=failure,
    )


def _means(epochs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[float]] = {}
    for epoch in epochs:
        for scorer, score in (epoch.get("scores") or {}).items():
            for name, value in _numbers(scorer, (score or {}).get("value")):
                found.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


def _message_of(error: Any) -> str:
    return str(error.get("message", error) if isinstance(error, Mapping) else error)


def _text(value: Any) -> str:
    """Text of a prompt, a message, a list of either; of media only that they were there."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "\n".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        if "role" in value:
            return f"{value['role']}: {_text(value.get('content', ''))}"
        return str(value.get("text") or f"[{value.get('type', 'part')}]")
    return "" if value is None else str(value)


def _completion(output: Any) -> str:
    if not isinstance(output, Mapping):
        return ""
    if isinstance(output.get("completion"), str):
        return str(output["completion"])
    choices = output.get("choices") or ({},)
    return _text((choices[0].get("message") or {}).get("content", ""))
