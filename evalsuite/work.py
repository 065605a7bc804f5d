"""One job at work: its samples, what is asked of them, and the rows and records it has so far."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from evalsuite.exchange import shown
from evalsuite.factories import make_metric, make_probe, make_source, make_variant
from evalsuite.metric import Estimate, Metric, Table, estimate_all
from evalsuite.plan import Job, Plan
from evalsuite.probe import Probe
from evalsuite.registry import Registry
from evalsuite.response import Failure
from evalsuite.schedule import Asking, Scheduler
from evalsuite.source import Sample
from evalsuite.statistics import generator
from evalsuite.store import JobResult, SampleRow

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Work:
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


def begin(plan: Plan, job: Job, registry: Registry) -> Work:
    """Build a job's probe and read its samples."""
    probe = make_probe(job.probe, job.options, registry)
    extra = [make_metric(spec, registry) for spec in job.metrics]
    source = make_source(plan.source(job.source), registry)
    samples = list(islice(source.rows(), job.limit))
    if job.is_variant:
        samples = make_variant(job.variant, registry).samples(samples, plan.seed)
    return Work(job, probe, (*probe.metrics, *extra), samples)


def prepare(works: Sequence[Work], scheduler: Scheduler) -> None:
    """Ask what the samples of each job share."""
    askings = []
    for work in works:
        readable = [sample for sample in work.samples if sample.broken is None]
        askings.append(Asking(work, work.probe.prepare(readable)))

    def finished(asking: Asking) -> None:
        asking.key.context = asking.outcome
        asking.key.failure = asking.failure

    scheduler.run(askings, finished)


def sample_askings(works: Sequence[Work]) -> Iterator[Asking]:
    """One asking per readable sample; the broken ones are refused at once."""
    for work in works:
        if work.failure is not None:
            continue
        for index, sample in enumerate(work.samples):
            if sample.broken is not None:
                yield Asking((work, index), _refuse(sample.broken))
            else:
                yield Asking((work, index), work.probe.ask(sample, work.context))


def _refuse(reason: str) -> Any:
    """A generator that asks nothing and fails with a reason."""
    from evalsuite.errors import RequestFailed

    raise RequestFailed(Failure("unreadable sample", reason))
    yield


def collect(work: Work, index: int, asking: Asking) -> SampleRow:
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
        record=scalars(asking.outcome) if status == "ok" else {},
        exchange=shown(asking.exchange),
        secrets=() if sample.broken is not None else tuple(work.probe.secrets(sample)),
    )
    return work.rows[index]


def scalars(record: Mapping[str, Any]) -> dict[str, Any]:
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


def tabulated(plan: Plan, work: Work) -> list[Mapping[str, Any]]:
    """The records of the answered samples, in source order, as the metrics see them."""
    rng = generator(plan.seed, work.job.probe, work.job.label, "tabulate")
    records = [work.records[index] for index in sorted(work.records)]
    return list(work.probe.tabulate(records, work.context, rng))


def failure_counts(work: Work) -> dict[str, int]:
    """Failed samples by the kind of their failure."""
    kinds = (row.reason.partition(":")[0] for row in work.rows.values() if row.status == "failed")
    return dict(Counter(kinds))


def estimates(plan: Plan, work: Work, table: Table) -> tuple[Estimate, ...]:
    """Every metric of a job, its randomness named after probe, label and metric."""

    def rng_for(name: str) -> np.random.Generator:
        return generator(plan.seed, work.job.probe, work.job.label, name)

    return tuple(estimate_all(work.metrics, table, rng_for))


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
