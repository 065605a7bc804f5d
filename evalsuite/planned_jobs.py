"""The jobs of one probe entry of a suite: clean, under each variant, and over all changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from evalsuite.all_changes import AllChanges
from evalsuite.factories import make_metric, make_probe, make_source, make_variant, settings_of
from evalsuite.plan import Job, PlannedModel, PlannedSource
from evalsuite.probe import Probe
from evalsuite.registry import Registry
from evalsuite.request import Generate, LogLikelihood, RollingLogLikelihood
from evalsuite.suite import ProbeSpec, SuiteFile
from evalsuite.suite_paths import located, resolved
from evalsuite.variant_settings import all_changes_of, name_of


def plan_jobs(
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
    with located(suite_file, "probes", index):
        options = resolved(spec.options, suite_file.folder)
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
            {"variant": variant.variant, **resolved(variant.model_extra or {}, folder)}, registry
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


def _check_fields(probe: Probe, planned: PlannedSource, registry: Registry) -> None:
    """Refuse a source whose first readable row lacks a field that the probe reads."""
    source = make_source(planned, registry)
    for sample in source.rows():
        if sample.broken is None:
            for name in probe.fields:
                sample[name]
            return
