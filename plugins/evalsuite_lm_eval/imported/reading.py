"""From paths to logs: which files there are, whose they are, and one log for each model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalsuite import DataError
from evalsuite_lm_eval.imported.harness_log import is_results, read_harness_log
from evalsuite_lm_eval.imported.inspect_log import (
    is_inspect,
    read_inspect_archive,
    read_inspect_json,
)
from evalsuite_lm_eval.imported.log import Log


def read_logs(paths: Sequence[Path]) -> tuple[Log, ...]:
    """Every log in files and folders, those of one model joined.

    Raises:
        DataError: A path holds no log, a log is damaged, or two logs hold the same task of the
            same model.
    """
    return _joined([log for path in paths for log in _logs_at(path)])


def _logs_at(path: Path) -> Iterator[Log]:
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    if path.is_file():
        log = _read(path)
        if log is None:
            raise DataError(
                f"{path} is neither a results file of lm-evaluation-harness (`results_*.json`) "
                "nor a log of Inspect (`.eval`, or JSON with `eval` and `results`)."
            )
        yield log
        return
    found = False
    for file in sorted(path.rglob("*")):
        if file.suffix in (".json", ".eval") and (log := _read(file)) is not None:
            found = True
            yield log
    if not found:
        raise DataError(
            f"{path}: no log in this folder. lm-evaluation-harness writes `results_*.json` with "
            "`--output_path` (and samples with `--log_samples`), Inspect `.eval` or `.json` files."
        )


def _read(path: Path) -> Log | None:
    """The log in a file; None for a file of any other kind."""
    if path.suffix == ".eval":
        return read_inspect_archive(path)
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        if path.name.startswith("results"):
            raise DataError(f"{path} is damaged: {error}.") from error
        return None
    if is_results(document):
        return read_harness_log(path, document)
    return read_inspect_json(path, document) if is_inspect(document) else None


def _joined(logs: Sequence[Log]) -> tuple[Log, ...]:
    """One log for each model; refuses a task that a model has twice."""
    by_model: dict[str, Log] = {}
    origin: dict[tuple[str, str], str] = {}
    for log in logs:
        for task in log.tasks:
            before = origin.setdefault((log.model, task.name), log.path)
            if before != log.path:
                raise DataError(
                    f"{before} and {log.path} both hold {task.name!r} of the model "
                    f"{log.model!r}. Import one of them, or each into a run of its own."
                )
        known = by_model.get(log.model)
        by_model[log.model] = log if known is None else _together(known, log)
    return tuple(by_model.values())


def _together(one: Log, other: Log) -> Log:
    """Two logs of one model; facts in which they differ are both told."""
    facts = dict(one.facts)
    for name, value in other.facts.items():
        told = facts.get(name, "").split("; ")
        facts[name] = "; ".join(dict.fromkeys([*filter(None, told), value]))
    harness = " and ".join(dict.fromkeys([one.harness, other.harness]))
    return replace(one, facts=facts, harness=harness, tasks=(*one.tasks, *other.tasks))
