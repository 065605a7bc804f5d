"""The one place that puts the stages in order: plan -> answers -> records -> estimates -> store."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from evalsuite.after_jobs import DONE, add_losses, conclude_all_changes
from evalsuite.all_changes import AllChanges
from evalsuite.errors import DeviceLostError, EvalsuiteError, is_device_lost
from evalsuite.exchange import shown_media
from evalsuite.executor import Executor
from evalsuite.factories import loader_for, make_probe
from evalsuite.manifest import make_manifest
from evalsuite.metric import Metric, Table
from evalsuite.model import Model
from evalsuite.observer import Observer, Silent
from evalsuite.plan import Job, Plan
from evalsuite.redaction import Redactor, Secrets, is_private
from evalsuite.registry import Registry
from evalsuite.response import PASSING
from evalsuite.response_store import Responses
from evalsuite.schedule import Asking, Interrupted, Scheduler
from evalsuite.store import JobResult, Store
from evalsuite.work import (
    Work,
    begin,
    collect,
    empty_result,
    estimates,
    failure_counts,
    prepare,
    sample_askings,
    scalars,
    tabulated,
)

if TYPE_CHECKING:
    pass


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
    except (Interrupted, DeviceLostError) as stop:
        complete = False
        is_asked_for = isinstance(stop, Interrupted)
        _record_interrupted(plan, store, "stopped by the user" if is_asked_for else str(stop))
        if not is_asked_for:
            go_on = f"Go on with: evalsuite run --resume {store.path}"
            raise DeviceLostError(f"{stop} {go_on}") from stop
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
    except Exception as error:
        if is_device_lost(error):
            raise DeviceLostError.during(f"loading {planned.name}", error) from error
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
        with _old_objects_left_alone():
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


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """Spare the garbage collector what is there already, above all libraries and weights.

    It would look at all of that again and again, a fifth of a second each time, because records
    and answers look like growth.
    """
    is_outermost = gc.get_freeze_count() == 0
    gc.freeze()
    try:
        yield
    finally:
        if is_outermost:
            gc.unfreeze()


# ------------------------------------------------------------------------------------------------
# The jobs of one model, together
# ------------------------------------------------------------------------------------------------


def _run_jobs(
    plan: Plan,
    jobs: Sequence[Job],
    scheduler: Scheduler,
    store: Store,
    registry: Registry,
    observer: Observer,
) -> None:
    works = [begin(plan, job, registry) for job in jobs if not job.is_over_changes]
    prepare(works, scheduler)
    for work in works:
        observer.job_started(work.job, len(work.samples), _running_column(work.metrics))

    def finished(asking: Asking) -> None:
        work, index = asking.key
        row = collect(work, index, asking)
        observer.sample_finished(work.job, row)
        if len(work.rows) == len(work.samples):
            _conclude(plan, work, store, registry, observer)

    scheduler.run(sample_askings(works), finished)
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


def _running_column(metrics: Sequence[Metric]) -> str | None:
    """The column whose running mean is worth showing: the first primary metric's own."""
    chosen = [metric for metric in metrics if getattr(metric, "primary", False)]
    return next((c for m in chosen if (c := getattr(m, "column", None)) is not None), None)


def _conclude(plan: Plan, work: Work, store: Store, registry: Registry, observer: Observer) -> None:
    """Tabulate, estimate and write one job."""
    job, order = work.job, sorted(work.records)
    secrets = frozenset(text for row in work.rows.values() for text in row.secrets)
    failures = Counter(failure_counts(work))
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
        result = replace(result, estimates=estimates(plan, work, Table({}, 0, len(work.samples))))
        _finish(result, store, observer, registry, job, secrets)
        return
    try:
        records = tabulated(plan, work)
    except Exception as error:  # noqa: BLE001  a probe's fault costs its own job only
        result = replace(result, status="failed", reason=_reason_of(error, "tabulating"))
        _finish(result, store, observer, registry, job, secrets)
        return
    for index, record in zip(order, records, strict=True):
        work.rows[index] = replace(work.rows[index], record=scalars(record))
    table = Table.from_records(records, n_failed=result.n_failed)
    result = replace(result, estimates=estimates(plan, work, table))
    if not order:
        result = replace(result, status="failed", reason=_why_unanswered(work, failures))
    rows = [work.rows[index] for index in range(len(work.samples))]
    for sha256, data in shown_media(work.samples, plan.seed):
        store.write_media(sha256, data)
    store.write_samples(job.id, rows)
    _finish(result, store, observer, registry, job, secrets)


def _why_unanswered(work: Work, failures: Counter[str]) -> str:
    """The commonest kind of failure, by its first message."""
    if not failures:
        return "the source has no samples"
    kind, n = failures.most_common(1)[0]
    first = next(row.reason for row in work.rows.values() if row.reason.partition(":")[0] == kind)
    return f"no sample was answered ({n} of {len(work.samples)} like this: {first})"


def _reason_of(error: Exception, doing: str) -> str:
    """A user error's own paragraph; for anything else what happened while doing what."""
    if isinstance(error, EvalsuiteError):
        return str(error)
    return f"{doing} raised {type(error).__name__}: {error}"


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


def _record_interrupted(plan: Plan, store: Store, reason: str) -> None:
    """Say of every unfinished job that it was interrupted; its answers so far are stored."""
    known = {result.id for result in store.results}
    for job in plan.jobs:
        if job.id not in known:
            store.write_result(replace(empty_result(job), status="interrupted", reason=reason))
