"""What harder data cost a model: the difference to clean data on the same samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evalsuite.figure import (
    FREE,
    DropColumns,
    Figure,
    clusters_of,
    columns_of,
    direction_of,
    drop_metrics,
    figures_of,
    groups_of,
    measured_name,
    rate_of,
)
from evalsuite.group_gaps import GroupRatioGap
from evalsuite.metric import Estimate, Metric, Table, estimate_all, undefined
from evalsuite.probe import answer_of
from evalsuite.statistics import Interval, bootstrap_interval, totals_distribution
from evalsuite.store import SampleRow

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
    """The loss of each primary metric that averages or divides columns, and how often answers stay.

    Loss: clean minus harder, for metrics of which higher is better, else harder minus clean; of
    means over samples, or of ratios of sums, as of a corpus word error rate. Interval: bootstrap
    over samples, or over the metric's clusters; a drawn sample brings both of its answers.
    Unchanged answers: the share of samples with the same predicted label, transcript or written
    answer; near 1 where a model does not look at what was changed.
    """
    for metric in metrics:
        columns = columns_of(metric)
        if columns and getattr(metric, "primary", False):
            yield _loss(pairs, metric, columns, rng)
    answers = [(answer_of(a), answer_of(b)) for a, b in pairs]
    same = [a == b for a, b in answers if a is not None and b is not None]
    if same:
        yield _mean(np.array(same, dtype=float), "answers unchanged", rng, direction="neither")


def relative_losses(
    pairs: Sequence[Pair], metrics: Sequence[Metric], rng: np.random.Generator
) -> Iterator[Estimate]:
    """The loss of each figure as a share of its clean value, and by group; see drop_metrics."""
    for figure in figures_of(metrics):
        yield from _relative(pairs, figure, groups_of(metrics), clusters_of(metrics), rng)


def _relative(
    pairs: Sequence[Pair],
    figure: Figure,
    groups: Sequence[str],
    clusters: str,
    rng: np.random.Generator,
) -> Sequence[Estimate]:
    records = []
    for clean, harder in pairs:
        before, after = figure.of(clean), rate_of(figure, harder)
        if before is not None and after is not None:
            value, weight = before
            named = (*groups, *filter(None, [clusters]))
            carried = {name: clean[name] for name in named if clean.get(name) is not None}
            lost = figure.sign * (value - after * weight)
            records.append({**carried, "lost": lost, "clean": value})
    table = Table.from_records(records)
    metrics = tuple(drop_metrics(figure, DropColumns(), groups, clusters))
    return estimate_all(with_groups(metrics, table), table, lambda _: rng)


def with_groups(metrics: Sequence[Metric], table: Table) -> tuple[Metric, ...]:
    """The metrics without gaps over columns that tell no two groups apart."""
    return tuple(
        metric
        for metric in metrics
        if not isinstance(metric, GroupRatioGap)
        or len({str(name) for name in table.columns.get(metric.group, ())}) > 1
    )


def _loss(
    pairs: Sequence[Pair], metric: Metric, columns: tuple[str, ...], rng: np.random.Generator
) -> Estimate:
    name = f"{measured_name(metric)} lost"
    sign = -1.0 if direction_of(metric) == "lower is better" else 1.0
    cluster = getattr(metric, "clusters", None)
    both = [
        (a, b)
        for a, b in pairs
        if all(_is_number(record.get(c)) for record in (a, b) for c in columns)
    ]
    if not both:
        return undefined(name, "no sample was answered both with and without the change")
    clusters = [a.get(cluster) for a, _ in both] if cluster else None
    told: dict[str, Any] = {"null": FREE, "direction": "lower is better"}
    values = np.array([[[float(r[c]) for c in columns] for r in pair] for pair in both])
    if len(columns) == 1:
        lost = sign * (values[:, 0, 0] - values[:, 1, 0])
        return _mean(lost, name, rng, clusters, **told)
    return _ratio(values, sign, name, rng, clusters, **told)


def _ratio(
    values: Any, sign: float, name: str, rng: np.random.Generator, clusters: Any, **told: Any
) -> Estimate:
    """The difference of two ratios; values are (n, clean and harder, numerator and denominator)."""

    def difference(totals: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return sign * (totals[:, 0] / totals[:, 1] - totals[:, 2] / totals[:, 3])

    distribution = totals_distribution(
        values.reshape(len(values), 4), difference, rng=rng, clusters=clusters
    )
    if not math.isfinite(distribution.observed):
        return undefined(name, "a denominator sums to zero")
    return _estimate(distribution.observed, distribution.interval(), name, len(values), **told)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _mean(
    values: Any, name: str, rng: np.random.Generator, clusters: Any = None, **told: Any
) -> Estimate:
    interval = bootstrap_interval(values, clusters=clusters, rng=rng)
    return _estimate(float(values.mean()), interval, name, len(values), **told)


def _estimate(value: float, interval: Interval, name: str, n: int, **told: Any) -> Estimate:
    return Estimate(
        name,
        value,
        interval.low,
        interval.high,
        level=interval.level,
        method=interval.described,
        n=n,
        **told,
    )
