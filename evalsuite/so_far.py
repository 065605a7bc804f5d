"""A run that has not finished, as far as its answers go: going on, interrupted, or killed."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalsuite.after_jobs import DONE
from evalsuite.documents import finite, read_json
from evalsuite.errors import EvalsuiteError
from evalsuite.plan import Job, Plan
from evalsuite.registry import installed
from evalsuite.replay import result_so_far
from evalsuite.store import JobResult, Run, SampleRow
from evalsuite.work import empty_result

_SETTLED = DONE | {"failed", "not applicable"}


@dataclass(frozen=True)
class RunSoFar(Run):
    """A run with results for all jobs of its plan, those that have not finished included.

    Attributes:
        rows: Of every job that has begun and not finished, the samples answered so far.
    """

    rows: Mapping[str, tuple[SampleRow, ...]] = field(default_factory=dict)

    def samples(
        self,
        job_id: str,
        *,
        only: Container[tuple[str, str]] | None = None,
        with_exchange: bool = True,
    ) -> Iterator[SampleRow]:
        """As of a finished run; of a job that goes on, the samples answered so far."""
        if job_id not in self.rows:
            yield from super().samples(job_id, only=only, with_exchange=with_exchange)
            return
        for row in self.rows[job_id]:
            if only is None or (row.id, row.content_hash) in only:
                yield row if with_exchange else replace(row, exchange=())

    def outcomes(self, job_id: str) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
        """As of a finished run; of a job that goes on, of the samples answered so far."""
        if job_id not in self.rows:
            yield from super().outcomes(job_id)
            return
        for row in self.rows[job_id]:
            yield row.content_hash, row.status == "ok", row.record


@dataclass(frozen=True)
class Progress:
    """How many jobs there are to do and how many of them are done."""

    n_done: int
    n_jobs: int
    is_over: bool


def open_so_far(path: str | Path) -> Run:
    """Open a run directory, finished or not; raises StoreError when it is not one.

    A job that has not finished is made from the answers in the journal: ``partial`` with the
    samples answered so far, or ``pending``. The plan's plugins and data must be there for that;
    where they are not, the job is pending and says why.
    """
    run = Run.open(path)
    settled = {result.id: result for result in run.results if result.status in _SETTLED}
    unsettled = [job for job in run.plan.get("jobs", ()) if job["id"] not in settled]
    if not unsettled:
        return run
    rows: dict[str, tuple[SampleRow, ...]] = {}
    for result, answered in _unfinished(run, {job["id"] for job in unsettled}):
        settled[result.id] = result
        if answered:
            rows[result.id] = answered
    return RunSoFar(
        path=run.path,
        name=run.name,
        plan=run.plan,
        manifest={**run.manifest, "complete": False},
        results=tuple(settled[job["id"]] for job in run.plan["jobs"] if job["id"] in settled),
        rows=rows,
    )


def progress(run: Run) -> Progress:
    """How far a run is; to be over it must have jobs left neither to do nor to write down."""
    ids = {job["id"] for job in run.plan.get("jobs", ()) if job.get("applicable", True)}
    begun = run.rows if isinstance(run, RunSoFar) else {}
    done = {result.id for result in run.results if result.status in _SETTLED} & ids - begun.keys()
    return Progress(len(done), len(ids), done == ids and bool(run.manifest.get("complete")))


def _unfinished(run: Run, ids: set[str]) -> Iterator[tuple[JobResult, tuple[SampleRow, ...]]]:
    plan = Plan.from_json(run.plan)
    loaded = _loaded(run.path)
    for job in plan.jobs:
        if job.id in ids:
            yield (
                _so_far(plan, job, run.path)
                if job.model in loaded
                else _pending(job, "its model is not loaded yet")
            )


def _so_far(plan: Plan, job: Job, path: Path) -> tuple[JobResult, tuple[SampleRow, ...]]:
    try:
        result, rows = result_so_far(plan, job, path, installed())
        return result, tuple(_as_stored(row) for row in rows)
    except Exception as error:  # noqa: BLE001  what cannot be told yet must not cost the rest
        return _pending(job, str(error) or type(error).__name__)


def _as_stored(row: SampleRow) -> SampleRow:
    """The row as it will be read once its job has finished."""
    return replace(
        row,
        record=json.loads(json.dumps(finite(row.record))),
        exchange=tuple(json.loads(json.dumps(finite(row.exchange)))),
    )


def _pending(job: Job, reason: str) -> tuple[JobResult, tuple[SampleRow, ...]]:
    return replace(empty_result(job), reason=reason), ()


def _loaded(path: Path) -> dict[str, Any]:
    """The models that have been asked anything, by name."""
    try:
        return dict(read_json(path / "fingerprints.json"))
    except EvalsuiteError:
        return {}
