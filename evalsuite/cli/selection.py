"""The options with which ``run`` and ``check`` choose what to run, and the plan of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from evalsuite.cli.conventions import installed_file, parse_settings, typed
from evalsuite.plan import Plan
from evalsuite.planner import command_line, make_plan
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec, parse_suite, read_suite
from evalsuite.task import suite_of


@dataclass(frozen=True)
class Selection:
    """The values of the selection options."""

    models: tuple[str, ...]
    model_options: tuple[str, ...]
    probes: tuple[str, ...]
    settings: tuple[str, ...]
    limit: int | None
    seed: int | None
    device: str | None
    dtype: str | None


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the selection options to a command."""
    for option in reversed(
        [
            click.option("-m", "--model", "models", multiple=True, help="Instead of the suite's."),
            click.option(
                "--model-option",
                "model_options",
                multiple=True,
                metavar="KEY=VALUE",
                help="An option of the models given by -m.",
            ),
            click.option("-p", "--probe", "probes", multiple=True, help="Only these probes."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="NAME=VALUE",
                help="A parameter of the suite, e.g. data=./data.",
            ),
            click.option("--limit", type=click.IntRange(1), help="First N samples of each probe."),
            click.option("--seed", type=click.IntRange(0), help="Instead of the suite's."),
            click.option("--device", help="auto, cpu, cuda, cuda:N or mps."),
            click.option("--dtype", help="auto, float32, bfloat16 or float16."),
        ]
    ):
        command = option(command)
    return command


def plan_of(suite: str, selection: Selection) -> Plan:
    """Read a suite by name or path (``task:NAME`` is one of that task), and plan it."""
    settings = parse_settings(selection.settings, "--set")
    scheme, colon, task = suite.partition(":")
    if scheme == "task" and colon:
        suite_file = parse_suite(suite_of(task, Path.cwd(), installed()), None, settings)
    else:
        suite_file = read_suite(installed_file("suite", suite), settings)
    models = _models(selection, suite_file.suite.models)
    return make_plan(
        suite_file,
        installed(),
        models=models,
        only_probes=selection.probes,
        limit=selection.limit,
        seed=selection.seed,
        command=command_line(),
    )


def _models(selection: Selection, of_suite: tuple[ModelSpec, ...]) -> tuple[ModelSpec, ...] | None:
    """The models to run, with the command line's device, dtype and options laid over them."""
    options = {
        key: typed(value)
        for key, value in parse_settings(selection.model_options, "--model-option").items()
    }
    changes: dict[str, Any] = {}
    if selection.device:
        changes["device"] = selection.device
    if selection.dtype:
        changes["dtype"] = selection.dtype
    if selection.models:
        return tuple(ModelSpec(name=name, options=options, **changes) for name in selection.models)
    if changes or options:
        return tuple(
            spec.model_copy(update={**changes, "options": {**spec.options, **options}})
            for spec in of_suite
        )
    return None
