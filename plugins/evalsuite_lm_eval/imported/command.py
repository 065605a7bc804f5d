"""``evalsuite import-log``: logs of other harnesses become a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import yaml

from evalsuite import UsageError
from evalsuite.cli.conventions import json_option
from evalsuite.cli.run_command import refuse_known_run, run_suite_text
from evalsuite.store import write_atomically
from evalsuite_lm_eval.imported.log import Log
from evalsuite_lm_eval.imported.reading import read_logs
from evalsuite_lm_eval.imported.source import copy_of


@click.command("import-log", short_help="Turn logs of lm-eval and Inspect into a run.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The run directory."
)
@click.option("--model", help="Call the model so; for logs of one model.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@json_option
def command(
    paths: tuple[Path, ...], output: Path, model: str | None, quiet: bool, as_json: bool
) -> int:
    """Turn logs of lm-evaluation-harness and Inspect into a run.

    \b
    evalsuite import-log lm-eval-output/ -o runs/imported
    evalsuite import-log logs/2026-01-01_arc.eval -o runs/arc --model hf:gpt2

    PATHS are log files or folders of them. The run holds a copy of what it needs, and is reported
    like any other. lm-evaluation-harness logs samples only with --log_samples; without them the
    numbers are shown as they were published.
    """  # noqa: D301
    refuse_known_run(output)
    logs = read_logs(paths)
    if model is not None:
        if len(logs) > 1:
            names = ", ".join(log.model for log in logs)
            raise UsageError(f"--model names one model, and these logs have several: {names}.")
        logs = (replace(logs[0], model=model),)
    suite = write_copies(logs, output)
    text = yaml.safe_dump(suite, sort_keys=False, allow_unicode=True)
    return run_suite_text(text, output, quiet=quiet, as_json=as_json)


def write_copies(logs: Sequence[Log], output: Path) -> dict[str, Any]:
    """Copy every task's documents into the run directory; returns the suite that reads them."""
    sources: dict[str, Any] = {}
    probes: list[dict[str, Any]] = []
    for log in logs:
        for task in log.tasks:
            name = f"{len(sources):03d}-{re.sub(r'[^A-Za-z0-9._-]+', '-', task.name)}"
            path = (output / "imported" / f"{name}.jsonl").resolve()
            write_atomically(path, copy_of(task))
            sources[name] = {"type": "imported-log", "path": str(path), "task": task.name}
            probes.append(
                {
                    "probe": "imported/task",
                    "source": name,
                    "label": task.name,
                    "models": [f"imported:{log.model}"],
                    "options": {
                        "published": [metric.to_json() for metric in task.metrics],
                        "n_documents": task.n_documents,
                    },
                }
            )
    return {
        "version": 1,
        "name": "imported",
        "description": "Measured by " + " and ".join(sorted({log.harness for log in logs})),
        "models": [{"name": f"imported:{log.model}", "options": _facts_of(log)} for log in logs],
        "sources": sources,
        "probes": probes,
    }


def _facts_of(log: Log) -> dict[str, str]:
    """What is known of a log, in words that no suite takes for a parameter."""
    facts = {**log.facts, "log": log.path}
    return {name: value.replace("${", "$ {") for name, value in facts.items()}
