"""Accuracy at a threshold that was chosen on other samples than it is measured on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.interval import Interval, wilson
from evalsuite.statistics.ranking import balanced_accuracy_best_threshold


@dataclass(frozen=True, slots=True)
class CrossFittedAccuracy:
    """Balanced accuracy with its interval; NaN with a reason when undefined."""

    value: float
    interval: Interval
    reason: str | None = None


def cross_fitted_balanced_accuracy(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    folds: int = 5,
    level: float = 0.95,
) -> CrossFittedAccuracy:
    """Mean of true-positive and true-negative rate, each fold judged by the others' threshold.

    Formula: (TPR + TNR) / 2 over all folds; the threshold of a fold is the one with the largest
    balanced accuracy on the rest. Range: [0, 1]; 0.5 for scores without information, which the
    best threshold on the data themselves exceeds. The interval combines Wilson's intervals of the
    two rates. Folds are dealt in the order of the scores, so that the rows' order is of no effect.
    Undefined: fewer than two positives or negatives, or a NaN score.
    Reference for the interval: Zou & Donner 2008, Statistics in Medicine 27 (MOVER).

    Args:
        scores: One number for each sample, higher for positives, (n,).
        labels: True or 1 for positives, (n,).
        rng: Source of the deal.
        folds: Number of folds; fewer where a class is smaller.
        level: Nominal coverage.
    """
    values, is_positive = np.asarray(scores, dtype=float), np.asarray(labels).astype(bool)
    smaller = min(int(is_positive.sum()), int((~is_positive).sum()))
    method = "MOVER of Wilson"
    if smaller < 2 or np.isnan(values).any():
        reason = "fewer than two of a class" if smaller < 2 else "a score is NaN"
        empty = Interval.undefined(reason, level=level, method=method)
        return CrossFittedAccuracy(math.nan, empty, reason)
    dealt = _deal(values, is_positive, min(folds, smaller), rng)
    called = np.zeros(len(values), dtype=bool)
    for fold in range(dealt.max() + 1):
        rest = dealt != fold
        called[~rest] = values[~rest] >= _threshold(values[rest], is_positive[rest])
    n_positive, n_negative = int(is_positive.sum()), int((~is_positive).sum())
    hits, kept = int(called[is_positive].sum()), int((~called[~is_positive]).sum())
    rates = wilson(hits, n_positive, level), wilson(kept, n_negative, level)
    points = hits / n_positive, kept / n_negative
    value = sum(points) / 2
    below = math.hypot(*(p - r.low for p, r in zip(points, rates, strict=True))) / 2
    above = math.hypot(*(r.high - p for p, r in zip(points, rates, strict=True))) / 2
    return CrossFittedAccuracy(value, Interval(value - below, value + above, level, method))


def _threshold(values: npt.NDArray[np.float64], is_positive: npt.NDArray[np.bool_]) -> float:
    """The best threshold, half-way down to the next score, since others lie between."""
    best = balanced_accuracy_best_threshold(values, is_positive).threshold
    below = values[values < best]
    return (best + float(below.max())) / 2 if below.size and math.isfinite(best) else best


def _deal(
    values: npt.NDArray[np.float64],
    is_positive: npt.NDArray[np.bool_],
    folds: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.int_]:
    """The fold of each sample; every fold gets its share of both classes."""
    dealt = np.zeros(len(values), dtype=int)
    for kind in (True, False):
        (places,) = np.nonzero(is_positive == kind)
        places = places[np.argsort(values[places], kind="stable")]
        dealt[places] = rng.permutation(np.arange(len(places)) % folds)
    return dealt
