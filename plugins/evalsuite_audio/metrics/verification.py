"""Equal error rate and detection cost of speaker verification, with intervals over speakers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, Null, Table
from evalsuite.sliced import Direction, SlicedMetric, is_given
from evalsuite.statistics import (
    Interval,
    WeightedStatistic,
    clopper_pearson,
    dyadic_distribution,
    weighted_detection_cost,
    weighted_equal_error_rate,
)


@dataclass(frozen=True, kw_only=True)
class VerificationMetric(SlicedMetric):
    """Base: a statistic of the columns ``score`` and ``is_same``, one row for each trial.

    The interval resamples speakers, where every trial says who speaks (``speaker_a`` and
    ``speaker_b``), else clips (``clip_a`` and ``clip_b``); a trial occurs as often as both of its
    members are drawn together. Undefined: only one kind of trial.

    Attributes:
        resamples: Of the bootstrap.
    """

    direction: Direction = "lower is better"
    resamples: int = 1000

    def statistic(self) -> WeightedStatistic:
        """A function of scores and labels (n, 2) and counts (draws, n)."""
        raise TypeError(f"{type(self).__name__} has no statistic")

    def level_of_chance(self) -> Null:
        """What one score for all trials gets."""
        raise TypeError(f"{type(self).__name__} has no null")

    def bounded(self, interval: Interval, observed: float, n_units: int) -> Interval:
        """The interval, or a wider one where resampling cannot see how far it reaches."""
        del observed, n_units
        return interval

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        same = table.numbers("is_same")
        kinds = sorted(set(same))
        if len(kinds) < 2:
            which = "the same speaker" if kinds == [1.0] else "different speakers"
            reason = f"every trial is of {which}; it takes both kinds"
            return [self._nothing(reason, label, table.n)]
        unit = _unit_of(table)
        values = np.stack([table.numbers("score"), same], axis=1)
        found = dyadic_distribution(
            values,
            self.statistic(),
            [str(name) for name in table[f"{unit}_a"]],
            [str(name) for name in table[f"{unit}_b"]],
            rng=rng,
            resamples=self.resamples,
        )
        extra = {f"n_{unit}s": found.n_units, "n_different": int((same == 0).sum())}
        made = self._made(
            found, table, label, self.level_of_chance(), n_same=int(same.sum()), **extra
        )
        if math.isnan(made.low):
            return [replace(made, unit=unit)]
        method = f"{made.method} of {unit}s"
        interval = Interval(made.low, made.high, made.level, method)
        interval = self.bounded(interval, found.observed, found.n_units)
        return [
            replace(made, unit=unit, low=interval.low, high=interval.high, method=interval.method)
        ]


def _unit_of(table: Table) -> str:
    """``speaker`` where every trial says who speaks, else ``clip``."""
    columns = ("speaker_a", "speaker_b")
    is_known = all(name in table.columns and all(map(is_given, table[name])) for name in columns)
    return "speaker" if is_known else "clip"


@dataclass(frozen=True, kw_only=True)
class EqualErrorRate(VerificationMetric):
    """Where as many trials of the same speaker are rejected as of different ones accepted.

    As ``evalsuite.statistics.equal_error_rate``: range [0, 1], lower is better, null 0.5. Where
    no trial is wrong, resampling finds none either: then the upper bound is Clopper-Pearson's,
    as if each speaker were one trial.
    """

    name: str = "equal error rate"

    def statistic(self) -> WeightedStatistic:
        """Rates of resampled trials."""
        return weighted_equal_error_rate

    def level_of_chance(self) -> Null:
        """A half."""
        return Null(0.5, self.margin, "below", "one score for every trial")

    def bounded(self, interval: Interval, observed: float, n_units: int) -> Interval:
        """At least what none of as many speakers says."""
        if observed > 0 or interval.high > 0:
            return interval
        return clopper_pearson(0, n_units, interval.level)


@dataclass(frozen=True, kw_only=True)
class MinimumDetectionCost(VerificationMetric):
    """Cost of decisions at the best threshold, over that of deciding without scores.

    As ``evalsuite.statistics.minimum_detection_cost`` with both costs 1: range [0, 1], lower is
    better, null 1.

    Attributes:
        p_target: How often a trial would be of the same speaker in use.
    """

    name: str = "minDCF"
    p_target: float = 0.01

    def statistic(self) -> WeightedStatistic:
        """Costs of resampled trials."""
        return weighted_detection_cost(self.p_target)

    def level_of_chance(self) -> Null:
        """One."""
        return Null(1.0, self.margin, "below", "one score for every trial")
