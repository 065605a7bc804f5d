"""The one place that puts the stages in order: plan -> answers -> records -> estimates -> store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalsuite.after_jobs import DONE, add_losses, conclude_all_changes
from evalsuite.all_changes import AllChanges
from evalsuite.documents import read_json
from evalsuite.errors import EvalsuiteError, StoreError
from evalsuite.exchange import shown, shown_media
from evalsuite.executor import Executor
from evalsuite.factories import loader_for, make_metric, make_probe, make_source, make_variant
from evalsuite.manifest import make_manifest
from evalsuite.metric import Estimate, Metric, Table, estimate_all
from evalsuite.model import Model
from evalsuite.observer import Observer, Silent
from evalsuite.plan import Job, Plan
from evalsuite.probe import Probe
from evalsuite.redaction import Redactor, Secrets, is_private
from evalsuite.registry import Registry
from evalsuite.request import PASSING, Failure
from evalsuite.responses import Responses
from evalsuite.schedule import NOT_RECORDED, Asking, Interrupted, Scheduler
from evalsuite.source import Sample
from evalsuite.statistics import generator
from evalsuite.store import JobResult, SampleRow, Store

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Settings:
    """What a run may be told besides its plan."""

    should_stop: Callable[[], bool] = lambda: False
    shared_cache: Responses | None = None
    executor: Executor | None = None


def execute(
    plan: Plan,
    store: Store,
    registry: Registry,
    observer: Observer | None = None,
    settings: Settings | None = None,
) -> bool:
    """Run a plan into a store; returns whether it ran to the end (not interrupted).

    Jobs that an earlier, interrupted call finished are left alone, but for those with a failure
    that may pass (a server that was down): there the failed requests are asked again. A model that
    cannot be loaded costs its own jobs only.
    """
    observer, settings = observer or Silent(), settings or Settings()
    store.write_plan(plan.to_json())
    registry.hook.evalsuite_run_started(plan=plan, store=store)
    _record_not_applicable(plan, store)
    started, facts, complete = time.time(), {}, True
    try:
        for planned in plan.models:
            jobs = _unfinished(plan.jobs_of(planned.name), store)
            if jobs:
                facts[planned.name] = _run_model(plan, jobs, store, registry, observer, settings)
    except Interrupted:
        complete = False
        _record_interrupted(plan, store)
    finally:
        store.write_manifest(make_manifest(plan, registry, facts, started, complete))
    registry.hook.evalsuite_run_finished(plan=plan, store=store)
    return complete


def score(plan: Plan, store: Store, registry: Registry, fingerprints: Mapping[str, str]) -> None:
    """Recompute every record and estimate from the stored answers, without any model."""
    for planned in plan.models:
        jobs = plan.jobs_of(planned.name)
        if not jobs or planned.name not in fingerprints:
            continue
        scheduler = Scheduler(
            fingerprints[planned.name], store.responses, model=None, executor=None
        )
        _run_jobs(plan, jobs, scheduler, store, registry, Silent())


def replay(plan: Plan, job: Job, path: Path, registry: Registry) -> list[Mapping[str, Any] | None]:
    """The records of one job made anew from the stored answers, None for a sample without one.

    Unlike those in ``samples/`` they are whole: vectors and underscored entries included.

    Raises:
        EvalsuiteError: The data, the probe or the answers are gone.
    """
    work = _replayed(plan, job, path, registry, _keep)
    found = dict(zip(sorted(work.records), _tabulated(plan, work), strict=True))
    return [found.get(index) for index in range(len(work.samples))]


def result_so_far(
    plan: Plan, job: Job, path: Path, registry: Registry
) -> tuple[JobResult, tuple[SampleRow, ...]]:
    """What a job that has not finished says of the samples that were answered already.

    Its status is ``partial`` with the count as the reason, or ``pending`` before the first answer.

    Raises:
        EvalsuiteError: The data, the probe or the answers are gone.
    """
    work = _replayed(plan, job, path, registry, _keep_answered)
    n_samples, order = len(work.samples), sorted(work.rows)
    result = replace(empty_result(job), n_samples=n_samples)
    if not work.records:
        return replace(result, reason="no sample is answered yet"), ()
    records, n_failed = _tabulated(plan, work), len(order) - len(work.records)
    for index, record in zip(sorted(work.records), records, strict=True):
        work.rows[index] = replace(work.rows[index], record=_scalars(record))
    table = Table.from_records(records, n_failed=n_failed)
    result = replace(
        result,
        status="partial",
        reason=f"{len(order):,} of {n_samples:,} samples so far",
        n_samples=len(order),
        n_failed=n_failed,
        failures=_failure_counts(work),
        estimates=_estimates(plan, work, table),
    )
    return result, tuple(work.rows[index] for index in order)


def _replayed(
    plan: Plan,
    job: Job,
    path: Path,
    registry: Registry,
    keep: Callable[[_Work, Asking], None],
) -> _Work:
    """A job asked again of the stored answers alone."""
    if not (path / "responses.sqlite").exists():
        raise StoreError(f"{path} holds no answers to score again.")
    responses = Responses(path / "responses.sqlite")
    try:
        fingerprint = read_json(path / "fingerprints.json")[job.model]
        scheduler = Scheduler(fingerprint, responses, model=None, executor=None)
        work = _begin(plan, job, registry)
        _prepare([work], scheduler)
        scheduler.run(_sample_askings([work]), lambda asking: keep(work, asking))
    finally:
        responses.close()
    return work


def _keep(work: _Work, asking: Asking) -> None:
    if asking.failure is None:
        work.records[asking.key[1]] = asking.outcome


def _keep_answered(work: _Work, asking: Asking) -> None:
    """Rows as of a run, without those whose answers are still to come."""
    if asking.failure is None or asking.failure.kind != NOT_RECORDED:
        work.rows[asking.key[1]] = _collect(work, asking.key[1], asking)


def _tabulated(plan: Plan, work: _Work) -> list[Mapping[str, Any]]:
    """The records of the answered samples, in source order, as the metrics see them."""
    rng = generator(plan.seed, work.job.probe, work.job.label, "tabulate")
    records = [work.records[index] for index in sorted(work.records)]
    return list(work.probe.tabulate(records, work.context, rng))


def _failure_counts(work: _Work) -> dict[str, int]:
    """Failed samples by the kind of their failure."""
    kinds = (row.reason.partition(":")[0] for row in work.rows.values() if row.status == "failed")
    return dict(Counter(kinds))


def _unfinished(jobs: Sequence[Job], store: Store) -> tuple[Job, ...]:
    done = {
        result.id
        for result in store.results
        if result.status in DONE and not PASSING & result.failures.keys()
    }
    unfinished = {job.id for job in jobs if job.id not in done}
    # What follows from other jobs follows anew when one of them is run again.
    anew = {job.base for job in jobs if job.id in unfinished} | unfinished
    return tuple(
        job for job in jobs if job.id in unfinished or (job.is_over_changes and job.base in anew)
    )


def _run_model(
    plan: Plan,
    jobs: Sequence[Job],
    store: Store,
    registry: Registry,
    observer: Observer,
    settings: Settings,
) -> dict[str, Any]:
    """Load one model, run all its jobs together, free it; returns facts for the manifest."""
    planned = plan.model(jobs[0].model)
    observer.model_loading(planned.name)
    try:
        loader, reference = loader_for(planned.name, registry)
        model: Model = loader.load(reference, planned.settings)
    except Exception as error:  # noqa: BLE001  a model that cannot load costs its own jobs only
        reason = _reason_of(error, f"loading {planned.name}")
        for job in jobs:
            _finish(replace(empty_result(job), status="failed", reason=reason), store, observer)
        return {"error": reason}
    executor = settings.executor or registry.require("executor", plan.executor).load()()
    scheduler = Scheduler(
        model.fingerprint,
        store.responses,
        model=model,
        executor=executor,
        should_stop=settings.should_stop,
        shared=settings.shared_cache,
    )
    # Written before anything is asked, so that a killed run can be scored and resumed.
    store.write_fingerprint(planned.name, model.fingerprint)
    started = time.time()
    try:
        _run_jobs(plan, jobs, scheduler, store, registry, observer)
    finally:
        info = model.info
        usage = getattr(model, "usage", None)  # what a served model was asked, and its cost
        model.close()
    return {
        "fingerprint": model.fingerprint,
        "kind": info.kind,
        "n_parameters": info.n_parameters,
        "details": dict(info.details),
        "seconds": round(time.time() - started, 3),
        "requests_asked": scheduler.n_asked,
        "requests_answered_by_model": scheduler.n_answered_by_model,
        "requests_from_store": scheduler.n_from_store,
        **({"usage": asdict(usage)} if is_dataclass(usage) and not isinstance(usage, type) else {}),
    }


# ------------------------------------------------------------------------------------------------
# The jobs of one model, together
# ------------------------------------------------------------------------------------------------


@dataclass
class _Work:
    """One job while it runs."""

    job: Job
    probe: Probe
    metrics: tuple[Metric, ...]
    samples: list[Sample]
    context: Any = None
    failure: Failure | None = None
    rows: dict[int, SampleRow] = field(default_factory=dict)
    records: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    started: float = field(default_factory=time.time)


def _run_jobs(
    plan: Plan,
    jobs: Sequence[Job],
    scheduler: Scheduler,
    store: Store,
    registry: Registry,
    observer: Observer,
) -> None:
    works = [_begin(plan, job, registry) for job in jobs if not job.is_over_changes]
    _prepare(works, scheduler)
    for work in works:
        observer.job_started(work.job, len(work.samples), _running_column(work.metrics))

    def finished(asking: Asking) -> None:
        work, index = asking.key
        row = _collect(work, index, asking)
        observer.sample_finished(work.job, row)
        if len(work.rows) == len(work.samples):
            _conclude(plan, work, store, registry, observer)

    scheduler.run(_sample_askings(works), finished)
    for work in works:
        if not work.samples or work.failure is not None:
            _conclude(plan, work, store, registry, observer)
    for work in works:
        if work.job.is_variant:
            add_losses(plan, work.job, work.metrics, store)
    for job in jobs:
        if job.is_over_changes:
            _follow(plan, job, store, registry, observer)


def _follow(plan: Plan, job: Job, store: Store, registry: Registry, observer: Observer) -> None:
    """A job that asks nothing: what the others say together."""
    probe, started = make_probe(job.probe, job.options, registry), time.time()
    assert isinstance(probe, AllChanges)
    observer.job_started(job, 0, None)
    result = conclude_all_changes(plan, job, probe, store, empty_result(job))
    seconds = round(time.time() - started, 3)
    _finish(replace(result, seconds=seconds), store, observer, registry, job)


def _begin(plan: Plan, job: Job, registry: Registry) -> _Work:
    """Build a job's probe and read its samples."""
    probe = make_probe(job.probe, job.options, registry)
    extra = [make_metric(spec, registry) for spec in job.metrics]
    source = make_source(plan.source(job.source), registry)
    samples = list(islice(source.rows(), job.limit))
    if job.is_variant:
        samples = make_variant(job.variant, registry).samples(samples, plan.seed)
    return _Work(job, probe, (*probe.metrics, *extra), samples)


def _prepare(works: Sequence[_Work], scheduler: Scheduler) -> None:
    """Ask what the samples of each job share."""
    askings = []
    for work in works:
        readable = [sample for sample in work.samples if sample.broken is None]
        askings.append(Asking(work, work.probe.prepare(readable)))

    def finished(asking: Asking) -> None:
        asking.key.context = asking.outcome
        asking.key.failure = asking.failure

    scheduler.run(askings, finished)


def _sample_askings(works: Sequence[_Work]) -> Iterator[Asking]:
    """One asking per readable sample; the broken ones are refused at once."""
    for work in works:
        if work.failure is not None:
            continue
        for index, sample in enumerate(work.samples):
            if sample.broken is not None:
                yield Asking((work, index), _refuse(sample.broken))
            else:
                yield Asking((work, index), work.probe.ask(sample, work.context))


def _running_column(metrics: Sequence[Metric]) -> str | None:
    """The column whose running mean is worth showing: the first primary metric's own."""
    chosen = [metric for metric in metrics if getattr(metric, "primary", False)]
    return next((c for m in chosen if (c := getattr(m, "column", None)) is not None), None)


def _refuse(reason: str) -> Any:
    """A generator that asks nothing and fails with a reason."""
    from evalsuite.errors import RequestFailed

    raise RequestFailed(Failure("unreadable sample", reason))
    yield


def _collect(work: _Work, index: int, asking: Asking) -> SampleRow:
    """Turn a finished asking into a row (and, when answered, a record)."""
    sample = work.samples[index]
    status, reason = "ok", ""
    if asking.failure is not None:
        status, reason = "failed", f"{asking.failure.kind}: {asking.failure.message}"
    else:
        work.records[index] = asking.outcome
    work.rows[index] = SampleRow(
        id=sample.id,
        content_hash=_content_hash(sample),
        status=status,
        reason=reason,
        record=_scalars(asking.outcome) if status == "ok" else {},
        exchange=shown(asking.exchange),
        secrets=() if sample.broken is not None else tuple(work.probe.secrets(sample)),
    )
    return work.rows[index]


def _scalars(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without the vectors that ``tabulate`` will turn into scalars."""
    plain = str | int | float | bool | None
    return {
        name: value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
        for name, value in record.items()
        if (isinstance(value, plain) or getattr(value, "ndim", 1) == 0) and name[:1] != "_"
    }


def _content_hash(sample: Sample) -> str:
    """A sample's hash; a sample whose media cannot be read has none."""
    from evalsuite.errors import MediaError

    try:
        return "" if sample.broken is not None else sample.content_hash
    except MediaError:
        return ""


def _conclude(
    plan: Plan, work: _Work, store: Store, registry: Registry, observer: Observer
) -> None:
    """Tabulate, estimate and write one job."""
    job, order = work.job, sorted(work.records)
    secrets = frozenset(text for row in work.rows.values() for text in row.secrets)
    failures = Counter(_failure_counts(work))
    result = replace(
        empty_result(job),
        status="partial" if job.limit is not None else "finished",
        n_samples=len(work.samples),
        n_failed=sum(failures.values()),
        failures=dict(failures),
        seconds=round(time.time() - work.started, 3),
    )
    if work.failure is not None:
        reason = f"{work.failure.kind}: {work.failure.message}"
        result = replace(result, status="failed", reason=reason)
        result = replace(result, estimates=_estimates(plan, work, Table({}, 0, len(work.samples))))
        _finish(result, store, observer, registry, job, secrets)
        return
    try:
        records = _tabulated(plan, work)
    except Exception as error:  # noqa: BLE001  a probe's fault costs its own job only
        result = replace(result, status="failed", reason=_reason_of(error, "tabulating"))
        _finish(result, store, observer, registry, job, secrets)
        return
    for index, record in zip(order, records, strict=True):
        work.rows[index] = replace(work.rows[index], record=_scalars(record))
    table = Table.from_records(records, n_failed=result.n_failed)
    result = replace(result, estimates=_estimates(plan, work, table))
    if not order:
        most = failures.most_common(1)
        reason = f"no sample was answered ({most[0][0]})" if most else "the source has no samples"
        result = replace(result, status="failed", reason=reason)
    rows = [work.rows[index] for index in range(len(work.samples))]
    for sha256, data in shown_media(work.samples, plan.seed):
        store.write_media(sha256, data)
    store.write_samples(job.id, rows)
    _finish(result, store, observer, registry, job, secrets)


def _estimates(plan: Plan, work: _Work, table: Table) -> tuple[Estimate, ...]:
    """Every metric of a job, its randomness named after probe, label and metric."""

    def rng_for(name: str) -> np.random.Generator:
        return generator(plan.seed, work.job.probe, work.job.label, name)

    return tuple(estimate_all(work.metrics, table, rng_for))


def _reason_of(error: Exception, doing: str) -> str:
    """A user error's own paragraph; for anything else what happened while doing what."""
    if isinstance(error, EvalsuiteError):
        return str(error)
    return f"{doing} raised {type(error).__name__}: {error}"


def empty_result(job: Job) -> JobResult:
    """A job that has not begun."""
    return JobResult(
        id=job.id,
        model=job.model,
        probe=job.probe,
        family=job.family,
        source=job.source,
        status="pending",
        label=job.label,
        options=job.options,
        card=job.card,
        sensitive=job.sensitive,
        variant=job.variant,
        base=job.base,
    )


def _finish(
    result: JobResult,
    store: Store,
    observer: Observer,
    registry: Registry | None = None,
    job: Job | None = None,
    secrets: frozenset[str] = frozenset(),
) -> None:
    """Store a result and tell of it, without secrets: an observer writes to terminals and logs."""
    redactor = Redactor(Secrets(secrets), is_private(result))
    store.write_result(replace(result, reason=redactor.text(result.reason)))
    observer.job_finished(redactor.result(result))
    if registry is not None and job is not None:
        registry.hook.evalsuite_probe_finished(job=job, store=store)


def _record_not_applicable(plan: Plan, store: Store) -> None:
    for job in plan.jobs:
        if not job.applicable:
            store.write_result(
                replace(empty_result(job), status="not applicable", reason=job.reason)
            )


def _record_interrupted(plan: Plan, store: Store) -> None:
    """Say of every unfinished job that it was interrupted; its answers so far are stored."""
    known = {result.id for result in store.results}
    for job in plan.jobs:
        if job.id not in known:
            store.write_result(
                replace(empty_result(job), status="interrupted", reason="stopped by the user")
            )
