"""Gaps: how far apart the best and the worst group are, and how far chance alone puts them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import BootstrapDistribution, WeightedStatistic
from evalsuite.statistics.grouped import GroupedRows, gaps, make_grouped_rows
from evalsuite.statistics.groups import MIN_SIZE
from evalsuite.statistics.interval import Interval
from evalsuite.statistics.permutation import NullDistribution
from evalsuite.statistics.proportion import proportion_interval
from evalsuite.statistics.units import Floats


@dataclass(frozen=True, slots=True)
class GroupValue:
    """A statistic of one group.

    Attributes:
        group: Label of the group.
        value: The statistic; NaN when the group is too small or the statistic undefined.
        interval: Bootstrap interval; that of :func:`proportion_interval` for a mean of 0 and 1.
        n: Samples of the group.
        n_units: Units of the group that were resampled: rows or clusters.
        reason: Why the value is NaN; None when it is not.
    """

    group: str
    value: float
    interval: Interval
    n: int
    n_units: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupGap:
    """Largest minus smallest value over the groups that are big enough.

    Attributes:
        value: The gap, never negative; NaN when undefined.
        worst_group: Group with the worst value; None when undefined.
        best_group: Group with the best value; None when undefined.
        groups: Every group in sorted order, the ones left out included.
        interval: Bootstrap interval of the gap. Like the gap it lies above 0 even without any
            disparity: judge it against ``null_mean``, not against 0.
        between_group_sd: Standard deviation of the group values, which unlike the gap does not
            grow with the number of groups.
        null_mean: Mean gap when groups are permuted: the floor.
        null_sd: Standard deviation of the gap when groups are permuted.
        null_quantiles: Central range of the gap when groups are permuted.
        p_value: Chance of a gap this large when groups are permuted.
        reason: Why the value is NaN; None when it is not.
    """

    value: float
    worst_group: str | None
    best_group: str | None
    groups: tuple[GroupValue, ...]
    interval: Interval
    between_group_sd: float
    null_mean: float
    null_sd: float
    null_quantiles: Interval
    p_value: float
    reason: str | None = None

    @property
    def excess(self) -> float:
        """The gap beyond what chance alone would show."""
        return self.value - self.null_mean


def group_gap(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    statistic: Literal["mean"] | WeightedStatistic = "mean",
    *,
    rng: np.random.Generator,
    denominators: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
    higher_is_worse: bool = False,
    min_group_size: int = MIN_SIZE,
    level: float = 0.95,
    resamples: int = 2000,
    permutations: int = 2000,
) -> GroupGap:
    """Gap between the best and the worst group, with interval, floor and p-value.

    Formula: max_g θ_g − min_g θ_g, θ_g the mean of the values; with ``denominators`` the ratio
    Σ values / Σ denominators (corpus error rates); or a weighted statistic. The bootstrap keeps
    groups apart and draws rows, or clusters; clusters that span groups (a template filled with
    each group) are drawn whole. The null permutes groups in the same way.
    Range: [0, ∞), lower is fairer. Undefined: fewer than two groups with ``min_group_size``
    samples and a defined value, or values that are not finite (NaN with a reason); the interval
    also when a group has fewer than two units. Where all values of a group are equal, that group
    adds no width to the interval of the gap.
    Reference: Koenecke et al. 2020 (PNAS 117) for gaps of error rates by speaker group.

    Args:
        values: One entry or row for each sample, (n,) or (n, ...).
        groups: Label of the group of each sample, (n,).
        statistic: ``mean``, or a function of values (n, ...) and counts (draws, n) that returns
            (draws,), e.g. ``weighted_auc``; NaN where counts leave nothing to measure.
        rng: Source of randomness.
        denominators: Denominators of a ratio, (n,), e.g. numbers of reference words.
        clusters: Label of the cluster of each sample, (n,), e.g. its speaker.
        higher_is_worse: Whether the worst group is that with the largest value.
        min_group_size: Samples a group must have to take part.
        level: Nominal coverage of the intervals.
        resamples: Number of bootstrap resamples.
        permutations: Number of random permutations for the null.
    """
    rows, names = make_grouped_rows(values, groups, statistic, denominators, clusters)
    points, reasons = _points_and_reasons(rows, min_group_size)
    kept = [group for group, reason in enumerate(reasons) if reason is None]
    part = rows.restricted(kept)
    replicates = part.replicates(resamples, rng)
    intervals = iter(_intervals(part, points[kept], replicates, level, rng))
    table = []
    counts = zip(rows.sizes().tolist(), rows.unit_counts().tolist())
    for name, point, reason, (n, n_units) in zip(names, points.tolist(), reasons, counts):
        interval = Interval.undefined(reason, level=level) if reason else next(intervals)
        table.append(GroupValue(name, point, interval, n, n_units, reason))
    if len(kept) < 2:
        why = "not all values are finite" if not rows.is_finite else "fewer than two groups"
        return _undefined_gap(table, f"{why} to compare" if rows.is_finite else why, level)
    interval = _gap_interval(part, points[kept], replicates, level)
    return _assembled(table, interval, part.gap_null(permutations, rng), level, higher_is_worse)


def _points_and_reasons(rows: GroupedRows, min_group_size: int) -> tuple[Floats, list[str | None]]:
    """Value of each group, NaN where it is not to be shown, and why not."""
    if not rows.is_finite:
        return np.full(rows.n_groups, np.nan), ["not all values are finite"] * rows.n_groups
    points = rows.points()
    reasons: list[str | None] = []
    for point, size in zip(points.tolist(), rows.sizes().tolist()):
        too_small = f"fewer than {min_group_size} samples" if size < min_group_size else None
        undefined = "the statistic is undefined" if math.isnan(point) else None
        reasons.append(too_small or undefined)
    is_hidden = np.array([reason is not None for reason in reasons], dtype=bool)
    return np.where(is_hidden, np.nan, points), reasons


def _intervals(
    rows: GroupedRows, points: Floats, replicates: Floats, level: float, rng: np.random.Generator
) -> list[Interval]:
    """Interval of each group: exact for shares, otherwise from its replicates."""
    intervals = []
    is_share = rows.sums is not None and bool(
        np.isin(rows.sums[:, 0], (0, 1)).all() and (rows.sums[:, 1] == 1).all()
    )
    for group, n_units in enumerate(rows.unit_counts().tolist()):
        if is_share:
            mine = rows.codes == group
            clusters = None if rows.clusters is None else rows.clusters[mine]
            share = rows.values[mine]
            intervals.append(proportion_interval(share, clusters=clusters, rng=rng, level=level))
            continue
        distribution = _distribution(float(points[group]), replicates[:, group], n_units)
        intervals.append(distribution.interval(level))
    return intervals


def _gap_interval(rows: GroupedRows, points: Floats, replicates: Floats, level: float) -> Interval:
    fewest = int(rows.unit_counts().min())
    return _distribution(float(np.ptp(points)), gaps(replicates), fewest).interval(level)


def _distribution(observed: float, replicates: Floats, n_units: int) -> BootstrapDistribution:
    reason = f"fewer than two units to resample (n = {n_units})" if n_units < 2 else None
    return BootstrapDistribution(observed, replicates, np.empty(0), n_units, reason)


def _assembled(
    table: list[GroupValue],
    interval: Interval,
    null: NullDistribution,
    level: float,
    higher_is_worse: bool,
) -> GroupGap:
    shown = [group for group in table if group.reason is None]
    lowest = min(shown, key=lambda group: group.value)
    highest = max(shown, key=lambda group: group.value)
    worst, best = (highest, lowest) if higher_is_worse else (lowest, highest)
    gap = highest.value - lowest.value
    return GroupGap(
        value=gap,
        worst_group=worst.group,
        best_group=best.group,
        groups=tuple(table),
        interval=interval,
        between_group_sd=float(np.std([group.value for group in shown], ddof=1)),
        null_mean=null.mean,
        null_sd=null.sd,
        null_quantiles=null.quantiles(level),
        p_value=null.p_value(gap, "greater"),
    )


def _undefined_gap(table: list[GroupValue], reason: str, level: float) -> GroupGap:
    nothing = Interval.undefined(reason, level=level)
    nan = math.nan
    return GroupGap(nan, None, None, tuple(table), nothing, nan, nan, nan, nothing, nan, reason)
