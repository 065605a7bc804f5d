"""Runs of one suite with different seeds: how much of a figure is luck of the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite.compare.measured import Measured
from evalsuite.compare.recomputed import JobRecords, Key
from evalsuite.compare.records import VarianceComponents
from evalsuite.metric import Summed
from evalsuite.statistics import two_way_components

ONE_VALUE_EACH = "no sample has a value of its own in every run"


def seed_groups(everyone: Sequence[Measured]) -> list[list[Measured]]:
    """Subjects of one model and one suite whose runs had different seeds, two or more of them."""
    groups: dict[tuple[Any, ...], dict[int, Measured]] = {}
    for one in everyone:
        plan = one.run.plan
        same = (one.subject.model, plan.get("suite_text"), str(plan.get("parameters")))
        groups.setdefault(same, {}).setdefault(int(plan.get("seed", 0)), one)
    return [list(by_seed.values()) for by_seed in groups.values() if len(by_seed) > 1]


def components_of(
    label: str, key: Key, jobs: Sequence[JobRecords], level: float
) -> VarianceComponents | None:
    """The components of one mean over the runs; None where it is no mean of the samples."""
    sums = [job.recomputed[key].summed for job in jobs if key in job.recomputed]
    means = [summed for summed in sums if summed is not None and summed.is_mean]
    if len(means) < len(jobs):
        return None
    table = _table(jobs, means)
    found = two_way_components(table, level)
    return VarianceComponents(
        model=jobs[0].subject.model,
        label=label,
        metric=key[0],
        runs=tuple(job.subject.run for job in jobs),
        seeds=tuple(int(job.run.plan.get("seed", 0)) for job in jobs),
        n_samples=table.shape[1],
        mean=found.mean,
        between_seeds=found.between_rows,
        between_samples=found.between_columns,
        residual=found.residual,
        low=found.interval.low,
        high=found.interval.high,
        level=level,
        method=found.interval.method,
        reason=ONE_VALUE_EACH if table.shape[1] == 0 else found.reason,
    )


def _table(jobs: Sequence[JobRecords], means: Sequence[Summed]) -> npt.NDArray[np.float64]:
    """The value of each sample that every run has one of, (runs, samples)."""
    each = [dict(_values(job, summed)) for job, summed in zip(jobs, means, strict=True)]
    common = sorted(set.intersection(*(set(values) for values in each)))
    return np.array([[values[key] for key in common] for values in each]).reshape(len(jobs), -1)


def _values(job: JobRecords, summed: Summed) -> Iterator[tuple[Any, float]]:
    for key, row in job.samples.keyed.items():
        if row is not None and summed.columns[row, 1] > 0:
            yield key, float(summed.columns[row, 0])
