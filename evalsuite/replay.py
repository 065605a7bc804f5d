"""A job asked again of the stored answers: whole records, or what an unfinished one says so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalsuite.documents import read_json
from evalsuite.errors import StoreError
from evalsuite.metric import Table
from evalsuite.plan import Job, Plan
from evalsuite.registry import Registry
from evalsuite.response_store import Responses
from evalsuite.schedule import NOT_RECORDED, Asking, Scheduler
from evalsuite.store import JobResult, SampleRow
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


def replay(plan: Plan, job: Job, path: Path, registry: Registry) -> list[Mapping[str, Any] | None]:
    """The records of one job made anew from the stored answers, None for a sample without one.

    Unlike those in ``samples/`` they are whole: vectors and underscored entries included.

    Raises:
        EvalsuiteError: The data, the probe or the answers are gone.
    """
    work = _replayed(plan, job, path, registry, _keep)
    found = dict(zip(sorted(work.records), tabulated(plan, work), strict=True))
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
    records, n_failed = tabulated(plan, work), len(order) - len(work.records)
    for index, record in zip(sorted(work.records), records, strict=True):
        work.rows[index] = replace(work.rows[index], record=scalars(record))
    table = Table.from_records(records, n_failed=n_failed)
    result = replace(
        result,
        status="partial",
        reason=f"{len(order):,} of {n_samples:,} samples so far",
        n_samples=len(order),
        n_failed=n_failed,
        failures=failure_counts(work),
        estimates=estimates(plan, work, table),
    )
    return result, tuple(work.rows[index] for index in order)


def _replayed(
    plan: Plan,
    job: Job,
    path: Path,
    registry: Registry,
    keep: Callable[[Work, Asking], None],
) -> Work:
    """A job asked again of the stored answers alone."""
    if not (path / "responses.sqlite").exists():
        raise StoreError(f"{path} holds no answers to score again.")
    responses = Responses(path / "responses.sqlite")
    try:
        fingerprint = read_json(path / "fingerprints.json")[job.model]
        scheduler = Scheduler(fingerprint, responses, model=None, executor=None)
        work = begin(plan, job, registry)
        prepare([work], scheduler)
        scheduler.run(sample_askings([work]), lambda asking: keep(work, asking))
    finally:
        responses.close()
    return work


def _keep(work: Work, asking: Asking) -> None:
    if asking.failure is None:
        work.records[asking.key[1]] = asking.outcome


def _keep_answered(work: Work, asking: Asking) -> None:
    """Rows as of a run, without those whose answers are still to come."""
    if asking.failure is None or asking.failure.kind != NOT_RECORDED:
        work.rows[asking.key[1]] = collect(work, asking.key[1], asking)
