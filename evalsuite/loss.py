"""What harder data cost a model: the difference to clean data on the same samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evalsuite.metric import Estimate, Metric, Null, undefined
from evalsuite.statistics import bootstrap_interval
from evalsuite.store import SampleRow

# A loss below two points is not worth a finding.
FREE = Null(0.0, margin=0.02, side="above", why="the change costs nothing")
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


def paired(clean: Iterable[SampleRow], harder: Iterable[SampleRow]) -> list[Pair]:
    """The records of the samples that were answered both times."""
    before = {row.id: row.record for row in clean if row.status == "ok"}
    return [
        (before[row.id], row.record) for row in harder if row.status == "ok" and row.id in before
    ]


def losses(
    pairs: Sequence[Pair], metrics: Sequence[Metric], rng: np.random.Generator
) -> Iterator[Estimate]:
    """The mean loss of each primary metric that averages a column, and how often answers stay.

    Loss: mean over samples of clean minus harder, for metrics of which higher is better, else of
    harder minus clean. Interval: bootstrap over samples, or over the metric's clusters.
    Unchanged answers: the share of samples with the same prediction; near 1 where a model does
    not look at what was changed.
    """
    for metric in metrics:
        column = getattr(metric, "column", None)
        if column is not None and getattr(metric, "primary", False):
            yield _loss(pairs, metric, column, rng)
    same = [
        a["predicted"] == b["predicted"] for a, b in pairs if "predicted" in a and "predicted" in b
    ]
    if same:
        yield _mean(np.array(same, dtype=float), "answers unchanged", rng, direction="neither")


def _loss(pairs: Sequence[Pair], metric: Metric, column: str, rng: np.random.Generator) -> Estimate:
    name = f"{metric.name} lost"
    sign = -1.0 if getattr(metric, "direction", "") == "lower is better" else 1.0
    cluster = getattr(metric, "clusters", None)
    both = [(a, b) for a, b in pairs if _is_number(a.get(column)) and _is_number(b.get(column))]
    if not both:
        return undefined(name, "no sample was answered both with and without the change")
    values = np.array([sign * (float(a[column]) - float(b[column])) for a, b in both])
    clusters = [a.get(cluster) for a, _ in both] if cluster else None
    return _mean(values, name, rng, clusters, null=FREE, direction="lower is better")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _mean(
    values: Any, name: str, rng: np.random.Generator, clusters: Any = None, **told: Any
) -> Estimate:
    interval = bootstrap_interval(values, clusters=clusters, rng=rng)
    return Estimate(
        name,
        float(values.mean()),
        interval.low,
        interval.high,
        level=interval.level,
        method=interval.method if interval.is_defined else f"no interval: {interval.reason}",
        n=len(values),
        **told,
    )
