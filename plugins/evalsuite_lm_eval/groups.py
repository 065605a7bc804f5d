"""Groups of tasks: the harness's aggregate over tasks, with an interval stratified by task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from lm_eval.api import metrics as harness
from lm_eval.api.group import Group

from evalsuite import Estimate
from evalsuite.statistics import Interval, bootstrap_interval
from evalsuite_lm_eval.aggregation import Outcome, aggregation_of
from evalsuite_lm_eval.tasks import TaskSet

POOLED = "all documents of all tasks"


def group_estimates(
    tasks: TaskSet,
    by_task: Mapping[str, Sequence[Outcome]],
    slices: Sequence[Estimate],
    rng: np.random.Generator,
) -> Iterator[Estimate]:
    """The aggregates that groups declare, the one that was asked for first.

    A tag, or a group that declares no aggregate, gets the mean over all documents of the metrics
    that every task averages: the harness leaves it without a number, a reader needs one.
    """
    declared = [group for group in tasks.groups if group.aggregate_metric_list]
    whole = next((group for group in declared if group.name == tasks.name), None)
    if whole is None:
        yield from _pooled(by_task, slices, rng)
    for group in sorted(declared, key=lambda group: group is not whole):
        name = "" if group is whole else f"group={group.name}"
        yield from _declared(group, name, by_task, slices, rng)


def _declared(
    group: Group,
    slice_name: str,
    by_task: Mapping[str, Sequence[Outcome]],
    slices: Sequence[Estimate],
    rng: np.random.Generator,
) -> Iterator[Estimate]:
    """What a group's ``aggregate_metric_list`` says, computed by the group's own code."""
    members = {task.task_name for task in group.get_all_tasks()}
    part = {name: outcomes for name, outcomes in by_task.items() if name in members}
    facts: dict[str, Any] = {
        name: {"sample_len": len(outcomes), **_values(slices, name)}
        for name, outcomes in part.items()
    }
    combined: Mapping[str, Any] = group.aggregate(facts)
    position = 0
    for config in group.aggregate_metric_list or ():
        for key, value in combined.items():
            if key.rpartition(",")[0] != config.metric or not isinstance(value, float | int):
                continue
            how = "size-weighted mean of tasks" if config.weight_by_size else "mean of tasks"
            yield _estimate(
                key,
                float(value),
                part,
                slices,
                rng,
                bool(config.weight_by_size),
                how,
                slice_name,
                is_primary=position == 0 and not slice_name,
            )
            position += 1


def _pooled(
    by_task: Mapping[str, Sequence[Outcome]],
    slices: Sequence[Estimate],
    rng: np.random.Generator,
) -> Iterator[Estimate]:
    keys = dict.fromkeys(estimate.metric for estimate in slices)
    position = 0
    for key in keys:
        everywhere = all(key in outcome.values for part in by_task.values() for outcome in part)
        if not everywhere or not _are_means(key, by_task):
            continue
        values = [float(outcome.values[key]) for part in by_task.values() for outcome in part]
        yield _estimate(
            key,
            float(np.mean(values)),
            by_task,
            slices,
            rng,
            True,
            POOLED,
            "",
            is_primary=position == 0,
        )
        position += 1


def _values(slices: Sequence[Estimate], task: str) -> dict[str, float]:
    return {
        e.metric: e.value for e in slices if e.slice == f"task={task}" and not math.isnan(e.value)
    }


def _are_means(key: str, by_task: Mapping[str, Sequence[Outcome]]) -> bool:
    metric = key.rpartition(",")[0]
    return all(
        aggregation_of(outcomes[0].document.task, metric) is harness.mean
        for outcomes in by_task.values()
    )


def _estimate(
    key: str,
    value: float,
    by_task: Mapping[str, Sequence[Outcome]],
    slices: Sequence[Estimate],
    rng: np.random.Generator,
    is_weighted: bool,
    how: str,
    slice_name: str,
    is_primary: bool,
) -> Estimate:
    """A group's number, in the direction of its tasks; its null is the mean of theirs."""
    part = {
        name: [outcome for outcome in outcomes if key in outcome.values]
        for name, outcomes in by_task.items()
    }
    part = {name: outcomes for name, outcomes in part.items() if outcomes}
    interval = (
        _stratified(key, part, is_weighted, rng)
        if _are_means(key, part)
        else Interval.undefined("a task of the group does not average this metric")
    )
    own = [e for e in slices if e.metric == key and e.slice.removeprefix("task=") in part]
    weights = [len(part[e.slice.removeprefix("task=")]) if is_weighted else 1 for e in own]
    levels = [e.null.value for e in own if e.null is not None]
    null = own[0].null if own else None
    if null is not None:
        is_complete = len(levels) == len(own)
        mean = float(np.average(levels, weights=weights)) if is_complete else 0.0
        null = replace(null, value=mean) if is_complete else None
    return Estimate(
        key,
        value,
        interval.low,
        interval.high,
        level=interval.level,
        method=interval.described,
        unit="document",
        n=sum(len(outcomes) for outcomes in part.values()),
        slice=slice_name,
        direction=own[0].direction if own else "neither",
        null=null,
        is_primary=is_primary,
        extra={"aggregation": how, "n_tasks": len(part)},
    )


def _stratified(
    key: str, by_task: Mapping[str, Sequence[Outcome]], is_weighted: bool, rng: np.random.Generator
) -> Interval:
    """Bootstrap within tasks of Σ_t w_t mean_t, written as a mean of rows N w_t x / n_t."""
    n_all = sum(len(outcomes) for outcomes in by_task.values())
    rows, strata = [], []
    for name, outcomes in by_task.items():
        weight = len(outcomes) / n_all if is_weighted else 1 / len(by_task)
        scale = n_all * weight / len(outcomes)
        rows += [scale * float(outcome.values[key]) for outcome in outcomes]
        strata += [name] * len(outcomes)
    return bootstrap_interval(np.array(rows), strata=strata, rng=rng)
