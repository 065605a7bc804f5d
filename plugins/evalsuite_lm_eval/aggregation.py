"""From per-document metric values to estimates: the harness's aggregations, our intervals.

A value is what the task's own aggregation makes of the documents. Its interval resamples
documents: exactly for shares, through the mean or ratio for the aggregations that are functions
of one, and by calling the aggregation again and again for all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from lm_eval.api import metrics as harness

from evalsuite import Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import (
    Interval,
    bootstrap_interval,
    by_repetition,
    proportion_interval,
    ratio_interval,
)
from evalsuite_lm_eval.confusion import weighted
from evalsuite_lm_eval.sums import summed_of
from evalsuite_lm_eval.tasks import LoadedTask, TaskDocument

# The transient column that carries the values themselves; pairs and arrays fit no other.
OUTCOME = "_lm-eval outcome"
CHANCE_METRICS = frozenset({"acc", "acc_norm", "acc_bytes", "acc_mutual_info"})
# An aggregation called on every resample: enough draws for a 95 % interval, bounded by the work.
MOST_RESAMPLES, FEWEST_RESAMPLES, DOCUMENTS_IN_ALL = 1000, 100, 300_000
NEVER_DEFINED = (ArithmeticError, LookupError, TypeError, ValueError)

Aggregation = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Outcome:
    """What the task's own code says about one document: ``metric,filter`` -> value."""

    document: TaskDocument
    values: Mapping[str, Any]
    chance: float | None


@dataclass(frozen=True)
class HarnessMetrics:
    """Every metric of a task under each of its filters, called ``metric,filter`` as in the harness.

    For a group, first the group's own aggregate, then every task of it as a slice. Documents that
    have no value of a metric are left out of it, as in the harness, and counted.
    """

    name: ClassVar[str] = "lm-eval"
    primary: ClassVar[bool] = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate for each metric and filter, of the whole and of each task."""
        outcomes: list[Outcome] = list(table[OUTCOME])
        tasks = outcomes[0].document.set
        by_task: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            by_task.setdefault(outcome.document.task.name, []).append(outcome)
        if tasks.is_single:
            return list(task_estimates(outcomes, rng, ""))
        from evalsuite_lm_eval.groups import group_estimates

        slices = [
            estimate
            for name, part in by_task.items()
            for estimate in task_estimates(part, rng, f"task={name}")
        ]
        return [*group_estimates(tasks, by_task, slices, rng), *slices]

    def summed(self, table: Table) -> Iterator[Summed]:
        """How those metrics of a task follow from sums that do; nothing for a group of tasks."""
        outcomes: list[Outcome] = list(table[OUTCOME])
        task = outcomes[0].document.task
        if not outcomes[0].document.set.is_single:
            return
        for key in dict.fromkeys(key for outcome in outcomes for key in outcome.values):
            items = [outcome.values.get(key) for outcome in outcomes]
            made = summed_of(key, items, aggregation_of(task, key.rpartition(",")[0]))
            if made is not None:
                yield made


def task_estimates(
    outcomes: Sequence[Outcome], rng: np.random.Generator, slice_name: str
) -> Iterator[Estimate]:
    """The estimates of one task; the first metric under the first filter is the primary one."""
    task = outcomes[0].document.task
    keys = dict.fromkeys(key for outcome in outcomes for key in outcome.values)
    for position, key in enumerate(keys):
        kept = [outcome for outcome in outcomes if key in outcome.values]
        metric = key.rpartition(",")[0]
        yield estimate_of(
            key,
            [outcome.values[key] for outcome in kept],
            aggregation_of(task, metric),
            rng,
            slice_name=slice_name,
            direction=direction_of(task.higher_is_better(metric)),
            null=null_of(metric, kept),
            is_primary=position == 0 and not slice_name,
            n_without_value=len(outcomes) - len(kept),
        )


def aggregation_of(task: LoadedTask, metric: str) -> Aggregation:
    """The task's aggregation of a metric; the mean, as in the harness, where it names none."""
    found: Aggregation = task.task.aggregation().get(metric, harness.mean)
    return found


def direction_of(higher_is_better: bool | None) -> Any:
    """Our word for the harness's flag."""
    if higher_is_better is None:
        return "neither"
    return "higher is better" if higher_is_better else "lower is better"


def null_of(metric: str, outcomes: Sequence[Outcome]) -> Null | None:
    """What guessing among the choices would give, where the documents have choices."""
    if metric == "mcc":
        return Null(0.0, why="no association between answer and truth")
    levels = [outcome.chance for outcome in outcomes if outcome.chance is not None]
    if metric not in CHANCE_METRICS or len(levels) != len(outcomes) or not levels:
        return None
    return Null(float(np.mean(levels)), why="guessing among the choices")


def estimate_of(
    name: str,
    items: Sequence[Any],
    aggregation: Aggregation,
    rng: np.random.Generator,
    *,
    slice_name: str = "",
    direction: Any = "neither",
    null: Null | None = None,
    is_primary: bool = False,
    n_without_value: int = 0,
) -> Estimate:
    """One metric of one task: the harness's value and the interval over documents.

    Undefined: the aggregation fails, or gives no finite number.
    """
    told = {"slice": slice_name, "direction": direction, "null": null, "is_primary": is_primary}
    called = getattr(aggregation, "__name__", type(aggregation).__name__)
    if aggregation is harness.bypass_agg:
        return undefined(name, "the task only collects outputs, it scores none", **told)
    try:
        value = float(aggregation(items))
    except NEVER_DEFINED as error:
        reason = f"its aggregation {called} raised {type(error).__name__}: {error}"
        return undefined(name, reason, **told)
    if not math.isfinite(value):
        return undefined(name, f"its aggregation {called} gives {value}", **told)
    interval = interval_of(items, aggregation, rng)
    extra: dict[str, Any] = {"aggregation": called}
    if n_without_value:
        extra["n_without_value"] = n_without_value
    return Estimate(
        name,
        value,
        interval.low,
        interval.high,
        level=interval.level,
        method=interval.described,
        unit="document",
        n=len(items),
        extra=extra,
        **told,
    )


def interval_of(
    items: Sequence[Any], aggregation: Aggregation, rng: np.random.Generator
) -> Interval:
    """Interval of an aggregation over documents, by the cheapest way that is right for it."""
    if aggregation in (harness.mean, harness.nanmean):
        values = np.array([float(item) for item in items])
        return mean_interval(values[~np.isnan(values)], rng)
    if aggregation is harness.perplexity:
        inner = bootstrap_interval(np.array([-float(item) for item in items]), rng=rng)
        return _through(inner, _exponential)
    if aggregation in (harness.weighted_perplexity, harness.bits_per_byte):
        totals = np.array([[-float(total), float(weight)] for total, weight in items])
        inner = ratio_interval(totals[:, 0], totals[:, 1], rng=rng)
        is_bits = aggregation is harness.bits_per_byte
        return _through(inner, (lambda nats: nats / math.log(2)) if is_bits else _exponential)
    return _by_calling(items, aggregation, rng)


def mean_interval(values: Any, rng: np.random.Generator) -> Interval:
    """Exact for shares of 0 and 1, a bootstrap for any other mean."""
    if np.isin(values, (0.0, 1.0)).all():
        return proportion_interval(values, rng=rng)
    return bootstrap_interval(values, rng=rng)


def _exponential(nats: float) -> float:
    return math.exp(nats) if nats < math.log(np.finfo(float).max) else math.inf


def _through(interval: Interval, function: Callable[[float], float]) -> Interval:
    """The interval of an increasing function of what an interval is of."""
    if not interval.is_defined:
        return interval
    low, high = function(interval.low), function(interval.high)
    return Interval(low, high, interval.level, interval.method)


def _by_calling(
    items: Sequence[Any], aggregation: Aggregation, rng: np.random.Generator
) -> Interval:
    """Percentile bootstrap of the aggregation itself, in one go where it only counts pairs."""
    rows = np.arange(len(items))
    counted = weighted(aggregation, items)
    if counted is not None:
        return bootstrap_interval(rows, counted, rng=rng)

    def on(indices: Any) -> float:
        try:
            return float(aggregation([items[i] for i in indices]))
        except NEVER_DEFINED:
            return math.nan

    resamples = max(FEWEST_RESAMPLES, min(MOST_RESAMPLES, DOCUMENTS_IN_ALL // len(items)))
    return bootstrap_interval(rows, by_repetition(on), rng=rng, resamples=resamples)
