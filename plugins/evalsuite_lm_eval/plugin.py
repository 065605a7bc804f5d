"""Registers lm-evaluation-harness: its tasks, its command line on our models, logs as runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_sources(registry: Catalogue) -> None:
    """The documents of a task."""
    registry.add(
        "lm_eval",
        factory="evalsuite_lm_eval.source:TaskDocuments",
        summary="the documents of an lm-evaluation-harness task or group, prompts included",
        tags=("text",),
    )
    registry.add(
        "imported-log",
        factory="evalsuite_lm_eval.imported.source:ImportedDocuments",
        summary="a task's documents in a log that `evalsuite import-log` copied",
    )


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """A model that was measured elsewhere."""
    registry.add(
        "imported",
        factory="evalsuite_lm_eval.imported.model:Loader",
        summary="a model of which only another harness's log is known; see `import-log`",
    )


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Any task, on any model that answers what the task asks."""
    registry.add(
        "lm-eval/task",
        factory="evalsuite_lm_eval.probe:HarnessTask",
        summary="an lm-evaluation-harness task with its own filters, metrics and aggregations",
        tags=("task", "text"),
    )
    registry.add(
        "imported/task",
        factory="evalsuite_lm_eval.imported.probe:ImportedTask",
        summary="a task of an imported log, with intervals where its samples permit them",
        tags=("task",),
    )


@hookimpl
def evalsuite_register_commands(registry: Catalogue) -> None:
    """lm-evaluation-harness's own command line on our models; logs as runs."""
    registry.add(
        "lm-eval",
        factory="evalsuite_lm_eval.harness_command:command",
        summary="lm-evaluation-harness's command line, with --model evalsuite.",
    )
    registry.add(
        "import-log",
        factory="evalsuite_lm_eval.imported.command:command",
        summary="Turn logs of lm-eval and Inspect into a run.",
    )


@hookimpl
def evalsuite_register_exporters(registry: Catalogue) -> None:
    """Runs as the harness's own logs."""
    registry.add(
        "lm-eval",
        factory="evalsuite_lm_eval.exported.log:export",
        summary="results_*.json and samples_*.jsonl as lm-evaluation-harness 0.4 writes them",
    )
