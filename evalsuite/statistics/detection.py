"""Errors of a yes/no decision by a threshold on scores: equal error rate, detection cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import WeightedStatistic
from evalsuite.statistics.units import Floats, Integers


def equal_error_rate(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """The rate at which as many targets are missed as others are accepted.

    Formula: where the line between neighbouring points (false-acceptance rate, false-rejection
    rate) of the ROC curve crosses FAR = FRR; equal scores are one point. Range: [0, 1], lower is
    better; 0.5 for one score for all, above where others score higher than targets. Undefined: no
    targets, no others, or a NaN score (NaN).
    Reference: Martin et al. 1997, Eurospeech (the DET curve); crossing as in ISO/IEC 19795-1.

    Args:
        scores: One number for each trial, (n,).
        labels: True or 1 for targets, (n,).
    """
    return _of_all(weighted_equal_error_rate, scores, labels)


def minimum_detection_cost(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    p_target: float,
    miss_cost: float = 1.0,
    false_alarm_cost: float = 1.0,
) -> float:
    """The cost of decisions at the best threshold, over that of deciding without scores.

    Formula: min over thresholds t of (C_miss p FRR(t) + C_fa (1 - p) FAR(t)) / min(C_miss p,
    C_fa (1 - p)), where a score >= t is accepted. Range: [0, 1], lower is better; 1 for one score
    for all. The threshold is chosen on the data themselves. Undefined: as the equal error rate.
    Reference: NIST speaker recognition evaluations, e.g. the plan of 2016, section 3.

    Args:
        scores: One number for each trial, (n,).
        labels: True or 1 for targets, (n,).
        p_target: p, how often a trial would be a target in use.
        miss_cost: C_miss, of rejecting a target.
        false_alarm_cost: C_fa, of accepting another.
    """
    return _of_all(weighted_detection_cost(p_target, miss_cost, false_alarm_cost), scores, labels)


def weighted_equal_error_rate(values: npt.NDArray[np.float64], counts: Floats) -> Floats:
    """Equal error rates of trials that occur several times, (draws,).

    A weighted statistic for the bootstrap.

    Args:
        values: Scores and labels side by side, (n, 2).
        counts: How often each trial occurs, (draws, n).
    """
    false_acceptance, false_rejection = _error_rates(values, counts)
    excess = false_acceptance - false_rejection
    after = np.argmax(~(excess > 0), axis=1)[:, None]  # the first point at or beyond the crossing
    before = np.maximum(after - 1, 0)
    high, low = np.take_along_axis(excess, before, 1), np.take_along_axis(excess, after, 1)
    one = np.take_along_axis(false_acceptance, before, 1)
    other = np.take_along_axis(false_acceptance, after, 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(one + high / (high - low) * (other - one), dtype=float)[:, 0]


def weighted_detection_cost(
    p_target: float, miss_cost: float = 1.0, false_alarm_cost: float = 1.0
) -> WeightedStatistic:
    """The weighted statistic of :func:`minimum_detection_cost`.

    Raises:
        ValueError: The probability of a target is not between 0 and 1, or a cost not positive.
    """
    if not 0 < p_target < 1 or miss_cost <= 0 or false_alarm_cost <= 0:
        raise ValueError("p_target must lie between 0 and 1, and costs must be positive")
    missing, accepting = miss_cost * p_target, false_alarm_cost * (1 - p_target)

    def cost(values: npt.NDArray[np.float64], counts: Floats) -> Floats:
        false_acceptance, false_rejection = _error_rates(values, counts)
        costs = missing * false_rejection + accepting * false_acceptance
        return np.asarray(costs.min(axis=1) / min(missing, accepting), dtype=float)

    return cost


def _error_rates(values: npt.NDArray[np.float64], counts: Floats) -> tuple[Floats, Floats]:
    """False-acceptance and false-rejection rates, (draws, thresholds), from accepting all on."""
    order = np.argsort(values[:, 0], kind="stable")
    ascending, is_target = values[order, 0], values[order, 1] > 0
    ends = np.flatnonzero(np.append(np.diff(ascending) != 0, True))  # of each distinct score
    drawn = np.take(counts, order, axis=1)
    missed, rejected = _running(drawn * is_target, ends), _running(drawn * ~is_target, ends)
    with np.errstate(invalid="ignore"):
        return 1 - rejected / rejected[:, -1:], missed / missed[:, -1:]


def _running(columns: Floats, ends: Integers) -> Floats:
    """Zero, then the sums of the columns up to each end, (draws, ends + 1)."""
    sums = np.empty((len(columns), len(ends) + 1))
    sums[:, 0] = 0.0
    sums[:, 1:] = np.take(np.cumsum(columns, axis=1), ends, axis=1)
    return sums


def _of_all(statistic: WeightedStatistic, scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    values = np.stack([np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)], axis=1)
    if not len(values) or np.isnan(values).any():
        return float("nan")
    return float(statistic(values, np.ones((1, len(values))))[0])
