"""A task file: a probe with its options and the data that it is usually asked about, by name.

A task is data, not code: whoever has a prompt and a file writes YAML. In a suite, ``{task: gsm8k}``
or ``{task: ./mine.yaml}`` stands for everything that the file says; what stands beside it in the
suite wins. The plan holds the result, so that a run does not depend on the file any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from evalsuite.errors import SuiteError, UnknownNameError
from evalsuite.marked_yaml import Marks, Strict, explain, read_document
from evalsuite.parameters import Scalar, references_in, substitute
from evalsuite.registry import Registry
from evalsuite.suite import MetricSpec, ProbeSpec, SourceSpec, SuiteFile


class Task(Strict):
    """The whole file."""

    version: Literal[1] = Field(description="version of this format")
    name: str = Field(description="what the task is called")
    description: str = Field("", description="one or two sentences")
    reference: str = Field("", description="the paper or specification")
    licence: str = Field("", description="of the data")
    probe: str = Field(description="a registered probe, e.g. text/generation")
    options: dict[str, Any] = Field(default_factory=dict, description="the probe's own options")
    sources: dict[str, SourceSpec] = Field(
        default_factory=dict, description="ways to read the data; the first is the usual one"
    )
    metrics: tuple[MetricSpec, ...] = Field((), description="further metrics of its records")
    limit: Annotated[int, Field(ge=1)] | None = Field(None, description="first N samples only")


@dataclass(frozen=True)
class TaskFile:
    """A task with its text, its place, and the parameters that its strings name."""

    task: Task
    text: str
    path: Path
    parameters: frozenset[str]


def read_task(path: Path, values: dict[str, Scalar] | None = None) -> TaskFile:
    """Read and validate a task file; ``values`` replace ``${name}`` in its strings.

    Without values, references are left as they stand.

    Raises:
        SuiteError: The file is missing, is no YAML, or does not describe a task.
    """
    text, document, marks = read_document(path, "task")
    parameters = references_in(document)
    if values is not None:
        _refuse_missing(parameters - set(values), path, marks)
        document = substitute(document, values, path, marks)
    try:
        task = Task.model_validate(document)
    except ValidationError as error:
        raise SuiteError(explain(error, path, marks, {"sources": SourceSpec}, Task)) from error
    return TaskFile(task, text, path, frozenset(parameters))


def _refuse_missing(missing: set[str], path: Path, marks: Marks) -> None:
    if missing:
        name = min(missing)
        raise SuiteError(
            f"{path}: this task needs the parameter {name!r}. Declare it in the suite "
            f"(`parameters: {{{name}: null}}`) and give it with `--set {name}=...`."
        )


def task_path(name: str, folder: Path, registry: Registry) -> Path:
    """The file of a registered task, or of a path relative to the suite's folder.

    Raises:
        UnknownNameError: Neither a task nor a file; with a did-you-mean.
    """
    if name in registry.tasks:
        return Path(registry.require("task", name).load()())
    path = Path(name).expanduser()
    path = path if path.is_absolute() else folder / path
    if path.suffix in (".yaml", ".yml"):
        return path
    registry.require("task", name)
    raise UnknownNameError.among("task", name, [])


def with_tasks(suite_file: SuiteFile, registry: Registry) -> SuiteFile:
    """The suite with every task replaced by the probe, options and source that it stands for."""
    suite = suite_file.suite
    sources = dict(suite.sources)
    probes = []
    for index, spec in enumerate(suite.probes):
        if spec.task is None:
            probes.append(spec)
            continue
        where = suite_file.where("probes", index)
        try:
            path = task_path(spec.task, suite_file.folder, registry)
        except UnknownNameError as error:
            raise SuiteError(f"{where}: {error}") from error
        task = read_task(path, dict(suite_file.parameters)).task
        probes.append(_expanded(spec, task, path, sources, where))
    changed = suite.model_copy(update={"probes": tuple(probes), "sources": sources})
    return replace(suite_file, suite=changed)


def _expanded(
    spec: ProbeSpec, task: Task, path: Path, sources: dict[str, SourceSpec], where: str
) -> ProbeSpec:
    """One entry of a suite; adds the task's source to ``sources`` where that is used."""
    source = spec.source
    if not source or (source in task.sources and source not in sources):
        if not task.sources:
            raise SuiteError(
                f"{where}: the task {task.name!r} names no source of its own; give one with "
                "`source: <a name under sources>`."
            )
        key = source or next(iter(task.sources))
        source = f"{task.name}/{key}"
        sources[source] = task.sources[key]
    return ProbeSpec(
        task=None,
        probe=task.probe,
        source=source,
        label=spec.label or task.name,
        models=spec.models,
        options={**task.options, **spec.options},
        limit=spec.limit or task.limit,
        metrics=(*task.metrics, *spec.metrics),
        variants=spec.variants,
    )


def suite_of(name: str, folder: Path, registry: Registry) -> str:
    """The text of a suite that asks one task, for ``evalsuite run task:NAME``."""
    found = read_task(task_path(name, folder, registry))
    parameters = ", ".join(f"{parameter}: null" for parameter in sorted(found.parameters))
    return (
        f"version: 1\nname: {found.task.name}\nparameters: {{{parameters}}}\n"
        f"probes:\n  - {{task: {name}}}\n"
    )
