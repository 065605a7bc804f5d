"""Suite -> Plan: jobs = models x probes, with everything resolved, checked and pinned.

Making a plan reads configurations and the first row of each source; it loads no weights. A job
whose model cannot answer what the probe asks is kept, marked not applicable, with the reason.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from evalsuite.all_changes import AllChanges
from evalsuite.errors import (
    EvalsuiteError,
    NothingSelectedError,
    SuiteError,
)
from evalsuite.factories import (
    describe_model,
    make_metric,
    make_probe,
    make_source,
    make_variant,
    settings_of,
)
from evalsuite.model import LoadSettings
from evalsuite.options import build
from evalsuite.probe import Probe
from evalsuite.registry import Registry
from evalsuite.request import Generate, LogLikelihood, RollingLogLikelihood
from evalsuite.suite import ModelSpec, ProbeSpec, SourceSpec, SuiteFile
from evalsuite.task import with_tasks
from evalsuite.variant_settings import all_changes_of, is_path, name_of

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class PlannedModel:
    """A model as it will be loaded, and what its configuration says."""

    name: str
    device: str
    dtype: str
    options: Mapping[str, Any]
    kind: str
    modalities: tuple[str, ...]
    methods: tuple[str, ...]
    revision: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> LoadSettings:
        """How to load it."""
        return LoadSettings(device=self.device, dtype=self.dtype, options=self.options)


@dataclass(frozen=True)
class PlannedSource:
    """A data set as it will be read."""

    name: str
    type: str
    options: Mapping[str, Any]
    fields: Mapping[str, str]
    fingerprint: str
    n_rows: int | None


@dataclass(frozen=True)
class Job:
    """One probe on one model."""

    id: str
    model: str
    probe: str
    family: str
    label: str
    source: str
    options: Mapping[str, Any]
    limit: int | None
    metrics: tuple[Mapping[str, Any], ...]
    applicable: bool
    reason: str
    n_samples: int | None
    card: Mapping[str, str]
    sensitive: bool
    variant: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""

    @property
    def is_variant(self) -> bool:
        """Whether its data are made harder than those of the job ``base``."""
        return bool(self.variant)

    @property
    def is_over_changes(self) -> bool:
        """Whether it asks nothing, and follows from the job ``base`` and its variants."""
        return self.probe == AllChanges.name


@dataclass(frozen=True)
class Plan:
    """What will run; plan.json."""

    suite_name: str
    suite_text: str
    suite_path: str
    parameters: Mapping[str, Any]
    seed: int
    executor: str
    command: str
    created: str
    models: tuple[PlannedModel, ...]
    sources: tuple[PlannedSource, ...]
    jobs: tuple[Job, ...]
    description: str = ""
    schema_version: int = SCHEMA_VERSION

    def model(self, name: str) -> PlannedModel:
        """A planned model by name."""
        return next(model for model in self.models if model.name == name)

    def source(self, name: str) -> PlannedSource:
        """A planned source by name."""
        return next(source for source in self.sources if source.name == name)

    def jobs_of(self, model: str) -> tuple[Job, ...]:
        """The applicable jobs of one model."""
        return tuple(job for job in self.jobs if job.model == model and job.applicable)

    def to_json(self) -> dict[str, Any]:
        """As written to plan.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """The inverse of to_json."""
        facts = dict(document)
        facts["models"] = tuple(
            PlannedModel(
                **{**m, "modalities": tuple(m["modalities"]), "methods": tuple(m["methods"])}
            )
            for m in facts["models"]
        )
        facts["sources"] = tuple(PlannedSource(**s) for s in facts["sources"])
        facts["jobs"] = tuple(Job(**{**j, "metrics": tuple(j["metrics"])}) for j in facts["jobs"])
        return cls(**facts)


# ------------------------------------------------------------------------------------------------
# From a suite file to a plan
# ------------------------------------------------------------------------------------------------


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
        jobs += _plan_jobs(
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
    with nullcontext() if index is None else _located(suite_file, "models", index):
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
    with _located(suite_file, "sources", name):
        factory = registry.require("source", spec.type).load()
        options = _with_resolved_paths(factory, spec, suite_file.folder)
        source = build(factory, options, f"The source {spec.type!r}")
        source.check()
        return PlannedSource(
            name, spec.type, options, dict(spec.fields), source.fingerprint(), source.count()
        )


def _with_resolved_paths(factory: Any, spec: SourceSpec, folder: Path) -> dict[str, Any]:
    """The source's options, paths relative to the suite made absolute.

    A factory whose ``path`` may be a name on a hub says so by ``path_may_be_a_name``.
    """
    options = dict(spec.model_extra or {})
    for key, value in options.items():
        if is_path(key, value):
            path = _resolve(folder, value)
            if path.exists() or not getattr(factory, "path_may_be_a_name", False):
                options[key] = str(path)
    return options


def _resolved(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Options with the paths among them made absolute."""
    return {
        key: str(_resolve(folder, value)) if is_path(key, value) and value else value
        for key, value in options.items()
    }


def _resolve(folder: Path, value: str) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else (folder / path).resolve()


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


def _plan_jobs(
    index: int,
    spec: ProbeSpec,
    models: tuple[PlannedModel, ...],
    sources: Mapping[str, PlannedSource],
    registry: Registry,
    suite_file: SuiteFile,
    limit: int | None,
    replaced: bool,
) -> Iterator[Job]:
    """The jobs of one probe entry, one for each model that it is meant for."""
    extra = tuple({"metric": m.metric, **(m.model_extra or {})} for m in spec.metrics)
    with _located(suite_file, "probes", index):
        options = _resolved(spec.options, suite_file.folder)
        probe = make_probe(spec.probe, options, registry)
        metrics = (*probe.metrics, *(make_metric(metric, registry) for metric in extra))
        _check_fields(probe, sources[spec.source], registry)
        settings = _variant_settings(spec, sources[spec.source], registry, suite_file.folder)
        over = all_changes_of(settings, metrics, registry)
    limit = min(filter(None, (limit, spec.limit)), default=None)
    n_rows = sources[spec.source].n_rows
    for model in models:
        if spec.models is not None and not replaced and model.name not in spec.models:
            continue
        lacking = _lacking(probe, model)
        reason = f"{model.kind} {lacking}" if lacking else ""
        if n_rows == 0 and not reason:
            reason = f"the source {spec.source!r} holds no sample"
        clean = Job(
            id=_slug(f"{model.name}--{spec.label or spec.probe}"),
            model=model.name,
            probe=spec.probe,
            family=probe.family,
            label=spec.label or spec.probe,
            source=spec.source,
            options=options,
            limit=limit,
            metrics=extra,
            applicable=not reason,
            reason=reason,
            n_samples=n_rows if limit is None or n_rows is None else min(limit, n_rows),
            card=asdict(probe.card),
            sensitive=bool(getattr(probe, "sensitive", False)),
        )
        yield clean
        yield from (_under(clean, setting, registry) for setting in settings)
        if over is not None:
            yield _over_changes(clean, over)


def _lacking(probe: Probe, model: PlannedModel) -> str:
    """What a probe needs and a model cannot; empty when nothing. Recorded models have no senses."""
    needs = [need.__name__ for need in probe.needs if need.method not in model.methods]
    of_text = {LogLikelihood, RollingLogLikelihood, Generate}.intersection(probe.needs)
    shown = probe.media or (("text",) if of_text and not needs else ())
    senses = model.modalities or shown
    media = [medium for medium in shown if medium not in senses]
    unanswered = f"does not answer {', '.join(needs)}" if needs else ""
    if needs and (advice := probe.advice(needs)):
        unanswered += f" ({advice})"
    unseen = f"takes no {' and no '.join(media)}" if media else ""
    return " and ".join(filter(None, (unanswered, unseen)))


def _variant_settings(
    spec: ProbeSpec, planned: PlannedSource, registry: Registry, folder: Path
) -> list[dict[str, Any]]:
    """Every setting of every variant of an entry, each tried on the first samples."""
    settings = [
        setting
        for variant in spec.variants
        for setting in settings_of(
            {"variant": variant.variant, **_resolved(variant.model_extra or {}, folder)}, registry
        )
    ]
    first = list(islice(make_source(planned, registry).rows(), 4)) if settings else []
    for setting in settings:
        make_variant(setting, registry).check(first)
    return settings


def _under(clean: Job, setting: Mapping[str, Any], registry: Registry) -> Job:
    """The same job on data made harder."""
    dial = registry.require("variant", str(setting["variant"])).load().dial
    told = name_of(setting, dial)
    return replace(
        clean,
        id=_slug(f"{clean.id}--{told}"),
        label=f"{clean.label} under {told}",
        family="robustness",
        variant=dict(setting),
        base=clean.id,
    )


def _over_changes(clean: Job, probe: AllChanges) -> Job:
    """The job over all changes, which asks nothing."""
    return replace(
        clean,
        id=_slug(f"{clean.id}--all-changes"),
        probe=AllChanges.name,
        family=AllChanges.family,
        label=f"{clean.label} under all changes",
        options=asdict(probe),
        metrics=(),
        card=asdict(AllChanges.card),
        base=clean.id,
    )


def _slug(text: str) -> str:
    """A name that is a file name everywhere."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")


def _refuse_equal_ids(jobs: list[Job], suite_file: SuiteFile) -> None:
    seen: set[str] = set()
    for job in jobs:
        if job.id in seen:
            place = suite_file.where("probes")
            raise SuiteError(
                f"{place}: {job.label!r} is asked of {job.model!r} twice; give one a `label`."
            )
        seen.add(job.id)


def _check_fields(probe: Probe, planned: PlannedSource, registry: Registry) -> None:
    """Refuse a source whose first readable row lacks a field that the probe reads."""
    source = make_source(planned, registry)
    for sample in source.rows():
        if sample.broken is None:
            for name in probe.fields:
                sample[name]
            return


class _located:  # noqa: N801  (reads as a word: with located(...))
    """Put file:line:column before the message of any user error raised inside."""

    def __init__(self, suite_file: SuiteFile, *location: str | int) -> None:
        self._where = suite_file.where(*location) if suite_file.path else ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, EvalsuiteError) and self._where and self._where not in str(error):
            error.args = (f"{self._where}: {error}",)


def command_line() -> str:
    """The command as typed, for the report's provenance; secrets are never options of ours."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
