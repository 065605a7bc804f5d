"""Whether the confidences of classification records come true, for all and by group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalsuite.metric import Estimate, Null, Table, undefined
from evalsuite.statistics import (
    Binning,
    Closed,
    GroupGap,
    bin_index,
    bootstrap_interval,
    by_repetition,
    calibration_null,
    expected_calibration_error,
    group_gap,
)


@dataclass(frozen=True)
class CalibrationError:
    """Expected calibration error of the predicted class.

    Formula: Σ_b (n_b/n) |accuracy_b - mean confidence_b|. Range [0, 1], lower is better. It is
    above zero even for confidences that are exactly right: the null is its mean over outcomes
    drawn from the confidences, its margin two standard deviations of these; what is left above
    that mean is the fact ``excess_over_null``. Interval: bootstrap over samples or clusters.
    Reference: Guo et al. 2017; Nguyen and O'Connor 2015 (equal mass).

    Attributes:
        bins: Number of bins.
        binning: Bins of equal ``mass``, or of equal ``width`` on [0, 1].
        closed: To which side an edge of equal widths belongs.
        by: Column whose values have errors of their own.
        clusters: Column of the resampling unit.
    """

    bins: int = 15
    name: str = "calibration error"
    primary: bool = False
    binning: Binning = "mass"
    closed: Closed = "right"
    by: str | None = None
    clusters: str | None = None

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, then each value of ``by``; undefined with fewer samples than bins."""
        return [self._one(table, rng), *self._slices(table, rng)]

    def _slices(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        if self.by is None or self.by not in table.columns:
            return
        column = np.array([str(item) for item in table[self.by]])
        sliced = replace(self, primary=False)
        for value in sorted(set(column)):
            found = sliced._one(table.where(column == value), rng)
            yield replace(found, slice=f"{self.by}={value}")

    def _one(self, table: Table, rng: np.random.Generator) -> Estimate:
        confidence, correct = table.numbers("confidence"), table.numbers("correct")
        if table.n < self.bins:
            reason = f"{table.n} samples do not fill {self.bins} bins"
            return undefined(self.name, reason, is_primary=self.primary)
        facts: dict[str, Any] = {"bins": self.bins, "binning": self.binning, "closed": self.closed}

        def error(pairs: Any) -> float:
            return expected_calibration_error(pairs[:, 0], pairs[:, 1], **facts)

        pairs = np.stack([confidence, correct], axis=1)
        interval = bootstrap_interval(
            pairs, by_repetition(error), clusters=self._units(table), rng=rng, resamples=500
        )
        floor = calibration_null(confidence, rng=rng, simulations=500, **facts)
        null = Null(floor.mean, 2 * floor.sd, "above", "confidences that are exactly right")
        told = {"excess_over_null": error(pairs) - floor.mean}
        return Estimate(
            self.name,
            error(pairs),
            interval.low,
            interval.high,
            method=interval.method,
            unit=self.clusters or "sample",
            n=table.n,
            direction="lower is better",
            null=None if math.isnan(floor.mean) else null,
            is_primary=self.primary,
            extra={**facts, **told, "p_value": floor.p_value(error(pairs), "greater")},
        )

    def _units(self, table: Table) -> Any:
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters]])


@dataclass(frozen=True)
class CalibrationErrorGap:
    """Largest minus smallest calibration error of a group, in bins that all groups share.

    Range [0, 1], lower is fairer. Groups that are small have larger errors by chance: the null is
    the mean gap when groups are permuted. The bootstrap draws within groups (whole clusters where
    given). Undefined: fewer than two groups of ``min_group_size``.

    Attributes:
        group: Column that tells groups apart.
        bins, binning, closed: As for CalibrationError, over the samples of all groups.
        min_group_size: Groups with fewer samples are left out.
        margin: A gap beyond the null that does not matter.
        clusters: Column of the resampling unit.
    """

    group: str = "group"
    bins: int = 10
    name: str = "calibration error gap"
    binning: Binning = "mass"
    closed: Closed = "right"
    min_group_size: int = 30
    margin: float = 0.02
    clusters: str | None = None
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The gap alone; what each group has is said by CalibrationError."""
        if self.group not in table.columns or table.n < self.bins:
            return [undefined(self.name, f"no groups: the samples have no {self.group!r}")]
        confidence = table.numbers("confidence")
        surprise = table.numbers("correct") - confidence
        members = bin_index(confidence, self.bins, self.binning, self.closed)
        in_bin = np.eye(self.bins)[members]
        units = CalibrationError(clusters=self.clusters)._units(table)
        gap = group_gap(
            surprise[:, None] * in_bin,
            np.array([str(item) for item in table[self.group]]),
            _weighted_error,
            rng=rng,
            clusters=units,
            higher_is_worse=True,
            min_group_size=self.min_group_size,
            resamples=500,
            permutations=500,
        )
        return [self._told(gap, table.n)]

    def _told(self, gap: GroupGap, n: int) -> Estimate:
        null = Null(gap.null_mean, self.margin, "above", "mean gap when groups are permuted")
        return Estimate(
            self.name,
            gap.value,
            gap.interval.low,
            gap.interval.high,
            method=gap.interval.method,
            unit=self.clusters or "sample",
            n=n,
            direction="lower is better",
            null=None if math.isnan(gap.null_mean) else null,
            reason=gap.reason,
            is_primary=self.primary,
            extra={
                "worst_group": gap.worst_group,
                "best_group": gap.best_group,
                "p_value": gap.p_value,
                "excess_over_null": gap.excess,
            },
        )


def _weighted_error(surprises: Any, counts: Any) -> Any:
    """Errors (draws,) of surprises [rows, bins], each row counted so often [draws, rows]."""
    totals = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(counts @ surprises).sum(axis=-1) / totals
