"""What follows from several jobs of one model: what a change costs, and what all of them do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from evalsuite.all_changes import AllChanges
from evalsuite.loss import losses, paired, relative_losses, with_groups
from evalsuite.metric import Metric, Table, estimate_all
from evalsuite.plan import Job, Plan
from evalsuite.statistics import generator
from evalsuite.store import JobResult, Run, SampleRow, Store
from evalsuite.summaries import Proportion

if TYPE_CHECKING:
    import numpy as np

DONE = frozenset({"finished", "partial"})
# How many exchanges a row of all changes shows of the clean data, and of the worst change.
MAX_SHOWN = 2
CHANGED = Proportion("is_changed", name="samples changed")


def add_losses(plan: Plan, job: Job, metrics: Sequence[Metric], store: Store) -> None:
    """What a variant costs, on the samples that were answered with and without it."""
    results = {result.id: result for result in store.results}
    if results[job.id].status not in DONE or job.base not in results:
        return
    run = Run.open(store.path)
    clean, harder = (list(run.samples(name, with_exchange=False)) for name in (job.base, job.id))
    pairs = paired(clean, harder)

    def rng_for(name: str) -> np.random.Generator:
        return generator(plan.seed, job.probe, job.label, name)

    found = [*losses(pairs, metrics, rng_for("loss"))]
    found += relative_losses(pairs, metrics, rng_for("relative loss"))
    found += estimate_all([CHANGED], _changes(clean, harder), rng_for)
    result = results[job.id]
    store.write_result(replace(result, estimates=(*result.estimates, *found)))


def _changes(clean: Sequence[SampleRow], harder: Sequence[SampleRow]) -> Table:
    """Of each sample that could be read whether anything in it was changed."""
    pairs = zip(clean, harder, strict=False)  # one that could not begin has no samples
    hashes = [(a.content_hash, b.content_hash) for a, b in pairs]
    return Table.from_records([{"is_changed": a != b} for a, b in hashes if a and b])


def conclude_all_changes(
    plan: Plan, job: Job, probe: AllChanges, store: Store, empty: JobResult
) -> JobResult:
    """Write the samples of the job over all changes; returns its result, without its time.

    A sample that was not answered under one of the changes is a failure that names it.
    """
    names = [change.name for change in probe.changes]
    rows = list(_rows(probe, names, Run.open(store.path), _sources(plan, job, names)))
    store.write_samples(job.id, rows)
    records = [row.record for row in rows if row.status == "ok"]
    n_failed = len(rows) - len(records)
    table = Table.from_records(records, n_failed)
    estimates = estimate_all(
        with_groups(probe.metrics, table),
        table,
        lambda name: generator(plan.seed, job.probe, job.label, name),
    )
    return replace(
        empty,
        status="failed" if not records else "partial" if job.limit is not None else "finished",
        reason="" if records else "no sample was answered under every change",
        n_samples=len(rows),
        n_failed=n_failed,
        failures={"not answered under every change": n_failed} if n_failed else {},
        estimates=tuple(estimates),
    )


def _sources(plan: Plan, job: Job, names: Sequence[str]) -> list[str]:
    """The ids of the clean job and of those under each change, in their order."""
    clean = next(other for other in plan.jobs if other.id == job.base)
    under = {other.label: other.id for other in plan.jobs if other.base == job.base}
    return [job.base, *(under[f"{clean.label} under {name}"] for name in names)]


def _rows(
    probe: AllChanges, names: Sequence[str], run: Run, job_ids: Sequence[str]
) -> Iterator[SampleRow]:
    """One row of each sample; variants keep the order of samples."""
    for clean, *changed in zip_longest(*(run.samples(name) for name in job_ids)):
        if clean is None:  # the clean job could not even begin
            return
        row = replace(clean, record={}, exchange=())
        answers = zip(("clean data", *names), (clean, *changed), strict=True)
        failed = [n for n, answer in answers if answer is None or answer.status != "ok"]
        if failed:
            reason = f"not answered under every change: {', '.join(failed)}"
            yield replace(row, status="failed", reason=reason)
            continue
        record = probe.record(clean.record, [answer.record for answer in changed])
        yield replace(row, record=record, exchange=_shown(record, names, clean, changed))


def _shown(
    record: Mapping[str, object],
    names: Sequence[str],
    clean: SampleRow,
    changed: Sequence[SampleRow],
) -> tuple[Mapping[str, object], ...]:
    """The first of what was asked about the clean sample, and about the one that went worst."""
    first, worst = clean.exchange[:MAX_SHOWN], record.get("worst_under")
    if worst not in names:
        return first
    return (*first, *changed[names.index(str(worst))].exchange[:MAX_SHOWN])
