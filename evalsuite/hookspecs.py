"""The hooks a plugin can implement. Registration declares names; it must import no model library.

A plugin is a module named by an entry point of the group ``evalsuite``. It states
``api_version = 1`` and implements any of these with ``@evalsuite.hookimpl``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from evalsuite.plan import Job, Plan
    from evalsuite.registry import Catalogue
    from evalsuite.store import Store

hookspec = pluggy.HookspecMarker("evalsuite")
hookimpl = pluggy.HookimplMarker("evalsuite")


@hookspec
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare model schemes; the factory makes a Loader.

    Example: ``registry.add("mine", factory="my_plugin.loader:Loader")``
    """


@hookspec
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare probes; the factory is a Probe class.

    Example: ``registry.add("mine/politeness", factory="my_plugin.politeness:Politeness")``
    """


@hookspec
def evalsuite_register_metrics(registry: Catalogue) -> None:
    """Declare metrics that a suite may add to any probe; the factory is a Metric class.

    Example: ``registry.add("core/mean", factory="evalsuite.summaries:Mean")``
    """


@hookspec
def evalsuite_register_sources(registry: Catalogue) -> None:
    """Declare data sources; the factory makes a Source from the suite's options.

    Example: ``registry.add("csv", factory="evalsuite_sources.tables:Csv")``
    """


@hookspec
def evalsuite_register_benchmarks(registry: Catalogue) -> None:
    """Declare suite files by name; the factory returns the path of the YAML file.

    Example: ``registry.add("quickstart", factory="evalsuite_benchmarks.suites:quickstart")``
    """


@hookspec
def evalsuite_register_tasks(registry: Catalogue) -> None:
    """Declare task files by name; the factory returns the path of the YAML file.

    Example: ``registry.add("gsm8k", factory="my_benchmarks.paths:gsm8k")``
    """


@hookspec
def evalsuite_register_policies(registry: Catalogue) -> None:
    """Declare policy files for ``evalsuite gate`` by name; the factory returns the file's path.

    Example: ``registry.add("release", factory="my_benchmarks.paths:release")``
    """


@hookspec
def evalsuite_register_variants(registry: Catalogue) -> None:
    """Declare variants, which make any probe's data harder; the factory is a Variant class.

    Example: ``registry.add("mine/fog", factory="my_plugin.fog:Fog")``
    """


@hookspec
def evalsuite_register_executors(registry: Catalogue) -> None:
    """Declare executors: where batches run; the factory makes an Executor.

    Example: ``registry.add("local", factory="evalsuite.executor:LocalExecutor")``
    """


@hookspec
def evalsuite_register_report_sections(registry: Catalogue) -> None:
    """Declare report sections; the factory maps a Report to a list of figures and tables.

    Example: ``registry.add("example/notes", factory="my_plugin.report:notes")``
    """


@hookspec
def evalsuite_register_exporters(registry: Catalogue) -> None:
    """Declare formats of ``evalsuite export``; the factory maps runs to an Export of files.

    Example: ``registry.add("my-format", factory="my_plugin.my_format:export")``
    """


@hookspec
def evalsuite_register_commands(registry: Catalogue) -> None:
    """Declare subcommands; the factory is a ``click.Command``.

    Example: ``registry.add("controls", factory="evalsuite_controls.command:controls")``
    """


@hookspec
def evalsuite_run_started(plan: Plan, store: Store) -> None:
    """Called once, after the run directory exists and before any model loads."""


@hookspec
def evalsuite_probe_finished(job: Job, store: Store) -> None:
    """Called after the estimates of one job are on disk."""


@hookspec
def evalsuite_run_finished(plan: Plan, store: Store) -> None:
    """Called once, after the manifest is on disk; also after an interrupted run."""
