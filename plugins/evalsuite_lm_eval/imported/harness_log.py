"""Logs of lm-evaluation-harness: ``results_DATE.json`` with ``samples_TASK_DATE.jsonl`` beside it.

Read by their documented keys; keys that a version lacks are done without. A log made without
``--log_samples`` has results only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalsuite import DataError
from evalsuite_lm_eval.imported.log import Log, LoggedDocument, LoggedTask, PublishedMetric

# What a line of a samples file holds besides the metrics, for versions that do not list these.
NOT_METRICS = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
    | {"doc_hash", "prompt_hash", "target_hash"}
)
WITHOUT_CHANCE = "acc_mutual_info"  # asks every choice twice: the requests do not count choices


def is_results(document: Any) -> bool:
    """Whether a JSON document is a results file of the harness."""
    return isinstance(document, Mapping) and {"results", "configs"} <= document.keys()


def read_harness_log(path: Path, document: Mapping[str, Any]) -> Log:
    """A results file with the samples beside it.

    Raises:
        DataError: A samples file is damaged.
    """
    config = document.get("config") or {}
    samples = _samples_files(path)
    tasks = tuple(
        _task(name, row, document, samples.get(name)) for name, row in document["results"].items()
    )
    facts = {
        "harness": "lm-evaluation-harness",
        "harness version": str(document.get("lm_eval_version") or ""),
        "harness commit": str(document.get("git_hash") or ""),
        "backend": str(config.get("model") or ""),
        "model arguments": _shown(config.get("model_args")),
        "batch size": str(config.get("batch_size") or ""),
        "logged": _moment(document.get("date")),
        "chat template": "applied" if document.get("chat_template") else "",
        "transformers": str(document.get("transformers_version") or ""),
    }
    return Log(
        str(path),
        _model_name(document, config),
        "lm-evaluation-harness",
        {key: value for key, value in facts.items() if value},
        tasks,
    )


def _moment(date: Any) -> str:
    """Seconds since 1970 as a date; other versions' dates as they are."""
    if isinstance(date, int | float):
        return datetime.fromtimestamp(date, UTC).isoformat(timespec="seconds")
    return str(date or "")


def _model_name(document: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The checkpoint's name as the log gives it; else the backend's."""
    arguments = config.get("model_args")
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    arguments = arguments if isinstance(arguments, Mapping) else {}
    named = document.get("model_name") or arguments.get("pretrained") or arguments.get("model")
    return str(named or config.get("model") or "model")


def _shown(arguments: Any) -> str:
    """Model arguments as the command line has them; never a key or token."""
    if isinstance(arguments, str):
        arguments = dict(
            part.split("=", 1) if "=" in part else (part, "") for part in arguments.split(",")
        )
    if not isinstance(arguments, Mapping):
        return ""
    secret = ("key", "token", "secret", "password", "header")
    return ",".join(
        f"{name}={'(withheld)' if any(word in str(name).lower() for word in secret) else value}"
        for name, value in arguments.items()
        if name
    )


def _samples_files(path: Path) -> dict[str, Path]:
    """Samples files of the same moment as a results file, by task."""
    moment = path.stem.removeprefix("results").removeprefix("_")
    found = {}
    for file in path.parent.glob("samples_*.jsonl"):
        name = file.stem.removeprefix("samples_")
        if moment and name.endswith(f"_{moment}"):
            found[name.removesuffix(f"_{moment}")] = file
    return found


def _task(
    name: str, row: Mapping[str, Any], document: Mapping[str, Any], samples: Path | None
) -> LoggedTask:
    config = (document.get("configs") or {}).get(name) or {}
    directions = (document.get("higher_is_better") or {}).get(name) or {}
    documents = tuple(_documents(samples, config)) if samples else ()
    counts = (document.get("n-samples") or {}).get(name) or {}
    return LoggedTask(
        name,
        tuple(_metrics(row, config, directions)),
        documents,
        int(row.get("sample_len") or counts.get("effective") or len(documents)),
        str((document.get("versions") or {}).get(name) or ""),
    )


def _metrics(
    row: Mapping[str, Any], config: Mapping[str, Any], directions: Mapping[str, Any]
) -> Iterator[PublishedMetric]:
    named = {
        str(entry["metric"]): entry.get("aggregation")
        for entry in config.get("metric_list") or ()
        if isinstance(entry, Mapping) and "metric" in entry
    }
    for key, value in row.items():
        metric, comma, chosen = key.rpartition(",")
        if not comma or metric.endswith("_stderr"):
            continue
        stderr = row.get(f"{metric}_stderr,{chosen}")
        told = named.get(metric)
        yield PublishedMetric(
            key,
            _number(value),
            _number(stderr),
            directions.get(metric),
            tuple(dict.fromkeys(n for n in (told, f"metric:{metric}", "mean") if _is_name(n))),
        )


def _is_name(aggregation: Any) -> bool:
    """A registered name; a function of the task's own is logged as its source text."""
    return isinstance(aggregation, str) and aggregation.replace(":", "").isidentifier()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


# ------------------------------------------------------------------------------------------------
# Samples
# ------------------------------------------------------------------------------------------------


def _documents(path: Path, config: Mapping[str, Any]) -> Iterator[LoggedDocument]:
    """One document for each ``doc_id``; a task with several filters has a line for each."""
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    # Not splitlines: the harness writes U+2028 and its like unescaped, inside of lines.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            by_id.setdefault(str(row["doc_id"]), []).append(row)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path}:{number}:1: this line is no sample of lm-evaluation-harness "
                f"({type(error).__name__}: {error}); each is a JSON object with a `doc_id`. If "
                "the harness was stopped while writing, remove the broken line."
            ) from error
    for identifier, rows in by_id.items():
        yield _document(identifier, rows, config)


def _document(
    identifier: str, rows: list[Mapping[str, Any]], config: Mapping[str, Any]
) -> LoggedDocument:
    values: dict[str, Any] = {}
    for row in rows:
        names = row.get("metrics") or [name for name in row if name not in NOT_METRICS]
        values |= {
            f"{name},{row.get('filter', 'none')}": row[name] for name in names if name in row
        }
    first = rows[0]
    return LoggedDocument(
        id=identifier,
        document=first.get("doc"),
        values=values,
        prompt=_prompt(first.get("arguments")),
        answer=_answer(first, config),
        target=str(first.get("target", "")),
        chance=_chance(first, values, config),
    )


def _prompt(arguments: Any) -> str:
    """The first request's context, or the text itself of a rolling one."""
    if isinstance(arguments, Mapping):  # {"gen_args_0": {"arg_0": context, "arg_1": ...}}
        arguments = next(iter(arguments.values()), {})
        arguments = list(arguments.values()) if isinstance(arguments, Mapping) else []
    while isinstance(arguments, list) and arguments:
        arguments = arguments[0]
    return arguments if isinstance(arguments, str) else ""


def _answer(row: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Generated text as it came; for a choice, the number of the likeliest."""
    responses = row.get("resps")
    if config.get("output_type") == "generate_until":
        while isinstance(responses, list) and responses:
            responses = responses[0]
        return responses if isinstance(responses, str) else ""
    filtered = row.get("filtered_resps")
    if config.get("output_type") == "multiple_choice" and isinstance(filtered, list):
        scores = [_number_in(choice[0]) for choice in filtered if isinstance(choice, list)]
        if scores and len(scores) == len(filtered):
            return f"choice {max(range(len(scores)), key=lambda i: scores[i])}"
    return ""


def _number_in(value: Any) -> float:
    """Scores are logged as numbers or, by some versions, as their text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("-inf")


def _chance(
    row: Mapping[str, Any], values: Mapping[str, Any], config: Mapping[str, Any]
) -> float | None:
    """How often guessing among the choices is right, where the log shows them."""
    filtered = row.get("filtered_resps")
    is_choice = config.get("output_type") == "multiple_choice" and isinstance(filtered, list)
    asks_twice = any(key.startswith(WITHOUT_CHANCE) for key in values)
    if not is_choice or not filtered or asks_twice or isinstance(row.get("target"), list):
        return None
    return 1 / len(filtered)
