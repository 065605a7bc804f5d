"""Suite -> Plan: jobs = models x probes, with everything resolved, checked and pinned.

Making a plan reads configurations and the first row of each source; it loads no weights. A job
whose model cannot answer what the probe asks is kept, marked not applicable, with the reason.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from evalsuite.errors import NothingSelectedError, SuiteError
from evalsuite.factories import describe_model
from evalsuite.options import build
from evalsuite.plan import Job, Plan, PlannedModel, PlannedSource
from evalsuite.planned_jobs import plan_jobs
from evalsuite.registry import Registry
from evalsuite.suite import ModelSpec, ProbeSpec, SuiteFile
from evalsuite.suite_paths import located, with_resolved_paths
from evalsuite.task import with_tasks


def make_plan(
    suite_file: SuiteFile,
    registry: Registry,
    *,
    models: tuple[ModelSpec, ...] | None = None,
    only_probes: tuple[str, ...] = (),
    limit: int | None = None,
    seed: int | None = None,
    command: str = "",
) -> Plan:
    """Resolve and check a suite; command-line models replace the suite's.

    Raises:
        EvalsuiteError: Any name, option, field or file is wrong; the first mistake is reported.
        NothingSelectedError: No job is left to run.
    """
    suite_file = with_tasks(suite_file, registry)
    suite = suite_file.suite
    specs = models if models is not None else suite.models
    planned_models = tuple(
        _plan_model(spec, registry, suite_file, index if models is None else None)
        for index, spec in enumerate(specs)
    )
    wanted = [
        (index, spec)
        for index, spec in enumerate(suite.probes)
        if not only_probes or spec.probe in only_probes or spec.label in only_probes
    ]
    sources = {spec.source: None for _, spec in wanted}
    planned_sources = tuple(_plan_source(name, registry, suite_file) for name in sources)
    by_name = {source.name: source for source in planned_sources}
    jobs: list[Job] = []
    for index, spec in wanted:
        _check_model_names(spec, planned_models, models is not None, suite_file, index)
        jobs += plan_jobs(
            index, spec, planned_models, by_name, registry, suite_file, limit, models is not None
        )
    _refuse_equal_ids(jobs, suite_file)
    if not any(job.applicable for job in jobs):
        reasons = "; ".join(dict.fromkeys(job.reason for job in jobs)) or "the filters match none"
        raise NothingSelectedError(f"There is nothing to run: {reasons}.")
    return Plan(
        suite_name=suite.name,
        suite_text=suite_file.text,
        suite_path=str(suite_file.path or ""),
        parameters=dict(suite_file.parameters),
        seed=suite.seed if seed is None else seed,
        executor=suite.executor,
        command=command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        models=planned_models,
        sources=planned_sources,
        jobs=tuple(jobs),
        description=suite.description.strip(),
    )


def _plan_model(
    spec: ModelSpec, registry: Registry, suite_file: SuiteFile, index: int | None
) -> PlannedModel:
    """``index`` is the model's place in the suite, None for one from the command line."""
    with nullcontext() if index is None else located(suite_file, "models", index):
        info = describe_model(spec, registry)
    details = dict(info.details)
    return PlannedModel(
        name=spec.name,
        device=spec.device,
        dtype=spec.dtype,
        options=dict(spec.options),
        kind=info.kind,
        modalities=tuple(sorted(info.modalities)),
        methods=tuple(sorted(info.methods)),
        revision=info.revision,
        details=details,
        controls={
            key: details[f"{prefix}{key}"]
            for prefix, key in (("", "twin"), ("", "planted"), ("control ", "probes"))
            if details.get(f"{prefix}{key}")
        },
    )


def _plan_source(name: str, registry: Registry, suite_file: SuiteFile) -> PlannedSource:
    spec = suite_file.suite.sources.get(name)
    if spec is None:
        known = ", ".join(suite_file.suite.sources) or "none"
        place = suite_file.where("probes")
        raise SuiteError(f"{place}: a probe names the source {name!r}; the sources are: {known}.")
    with located(suite_file, "sources", name):
        factory = registry.require("source", spec.type).load()
        options = with_resolved_paths(factory, spec, suite_file.folder)
        source = build(factory, options, f"The source {spec.type!r}")
        source.check()
        return PlannedSource(
            name, spec.type, options, dict(spec.fields), source.fingerprint(), source.count()
        )


def _check_model_names(
    spec: ProbeSpec,
    models: tuple[PlannedModel, ...],
    replaced: bool,
    suite_file: SuiteFile,
    index: int,
) -> None:
    """Refuse a probe's ``models`` entry that names no model of the suite."""
    if spec.models is None or replaced:
        return
    names = {model.name for model in models}
    for name in spec.models:
        if name not in names:
            place = suite_file.where("probes", index, "models")
            raise SuiteError(
                f"{place}: {name!r} is not among the suite's models: {', '.join(sorted(names))}."
            )


def _refuse_equal_ids(jobs: list[Job], suite_file: SuiteFile) -> None:
    seen: set[str] = set()
    for job in jobs:
        if job.id in seen:
            place = suite_file.where("probes")
            raise SuiteError(
                f"{place}: {job.label!r} is asked of {job.model!r} twice; give one a `label`."
            )
        seen.add(job.id)


def command_line() -> str:
    """The command as typed, for the report's provenance; secrets are never options of ours."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
