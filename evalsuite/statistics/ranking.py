"""How well scores put the positives first: curves, operating points and ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from evalsuite.statistics.bootstrap import bootstrap_interval
from evalsuite.statistics.interval import Interval, clopper_pearson
from evalsuite.statistics.units import Floats

Booleans = npt.NDArray[np.bool_]

# Fewer false positives than this in the tail, and the rate found there is mostly optimism.
EXPECTED_FALSE_POSITIVES = 10


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The true-positive rate at a limit on the false-positive rate.

    Attributes:
        value: The true-positive rate; NaN when undefined.
        interval: Clopper-Pearson interval of it at the threshold that was found.
        threshold: Smallest score called positive; inf when none is.
        false_positive_rate: The rate attained, at most the limit.
        n_positive, n_negative: Number of samples of either kind.
        reason: Why the value is NaN; None when it is not.
    """

    value: float
    interval: Interval
    threshold: float
    false_positive_rate: float
    n_positive: int
    n_negative: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """The threshold with the largest balanced accuracy on the very data it was chosen on."""

    balanced_accuracy: float
    threshold: float
    reason: str | None = None


def roc_auc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Chance that a random positive scores above a random negative, ties counted half.

    Formula: (R₊ − n₊(n₊+1)/2) / (n₊·n₋), R₊ the sum of mid-ranks of the positives. Range: [0, 1],
    0.5 for scores without information; higher means positives score higher.
    Undefined: no positives, no negatives, or a NaN score (NaN).
    Reference: Hanley & McNeil 1982, Radiology 143.

    Args:
        scores: One number for each sample, (n,).
        labels: True or 1 for positives (members), (n,).
    """
    values, is_positive = _checked(scores, labels)
    n_positive = int(is_positive.sum())
    n_negative = is_positive.size - n_positive
    if n_positive == 0 or n_negative == 0 or np.isnan(values).any():
        return math.nan
    rank_sum = float(mid_ranks(values)[is_positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def auc_interval(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Interval of the area under the ROC curve.

    Independent rows: DeLong's variance on the logit scale, which keeps the bounds within [0, 1].
    When the classes are separated that variance is 0; the nearer bound is then 0 or 1 and the
    other comes from Clopper-Pearson over min(n₊, n₋) disjoint pairs, each in the right order with
    probability AUC. Clustered rows: percentile cluster bootstrap.
    Undefined: fewer than two positives or negatives, or a NaN score.
    Reference: DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44; logit: Pepe 2003, section 5.2.
    """
    values, is_positive = _checked(scores, labels)
    smaller = min(int(is_positive.sum()), int((~is_positive).sum()))
    if smaller < 2 or np.isnan(values).any():
        reason = "fewer than two of a class" if smaller < 2 else "a score is NaN"
        return Interval.undefined(reason, level=level, method="DeLong")
    if clusters is not None:
        if rng is None:
            raise ValueError("clustered rows are resampled; pass rng")
        pairs = np.stack([values, is_positive], axis=1)
        return bootstrap_interval(
            pairs, weighted_auc, rng=rng, clusters=clusters, level=level, resamples=resamples
        )
    area = roc_auc(values, is_positive)
    if area in (0.0, 1.0):
        return clopper_pearson(int(area) * smaller, smaller, level)
    half = -float(ndtri((1 - level) / 2)) * _delong_error(values, is_positive)
    half /= area * (1 - area)
    centre = float(logit(area))
    return Interval(float(expit(centre - half)), float(expit(centre + half)), level, "DeLong")


def weighted_auc(values: npt.NDArray[Any], counts: Floats) -> Floats:
    """Area under the ROC curve of rows that occur several times, (draws,).

    A weighted statistic for :func:`bootstrap_interval` and :func:`group_gap`.

    Args:
        values: Scores and labels side by side, (n, 2).
        counts: How often each row occurs, (draws, n).
    """
    order = np.argsort(values[:, 0], kind="stable")
    ascending, is_positive = values[order, 0], values[order, 1] > 0
    starts = np.flatnonzero(np.diff(ascending, prepend=np.nan) != 0)
    drawn = counts[:, order]
    positives = np.add.reduceat(drawn * is_positive, starts, axis=1)
    negatives = np.add.reduceat(drawn * ~is_positive, starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    in_order = (positives * below).sum(axis=1)
    return np.asarray(in_order / np.where(pairs == 0, np.nan, pairs), dtype=float)


def tpr_at_fpr(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    fpr: float,
    *,
    level: float = 0.95,
    allow_small: bool = False,
) -> OperatingPoint:
    """True-positive rate at the lowest threshold whose false-positive rate is at most ``fpr``.

    Formula: max over thresholds t with FPR(t) ≤ fpr of TPR(t), where a score ≥ t is positive.
    Range: [0, 1], ``fpr`` for scores without information. Biased upward in small samples: with
    100 negatives the rate at 1 % comes out more than half too high, so fewer than 10/fpr
    negatives (1,000 at 1 %, 10,000 at 0.1 %) give NaN unless ``allow_small``. The interval takes
    the threshold as given. Undefined: also without positives or with a NaN score.
    Reference: Carlini et al. 2022 (2112.03570), section III.
    """
    values, is_positive = _checked(scores, labels)
    negatives = np.sort(values[~is_positive])[::-1]
    n_positive = int(is_positive.sum())
    reason = _reason_not_to(n_positive, negatives, values, fpr, allow_small=allow_small)
    if reason is not None:
        empty = Interval.undefined(reason, level=level, method="Clopper-Pearson")
        return OperatingPoint(
            math.nan, empty, math.nan, math.nan, n_positive, negatives.size, reason
        )
    # Rounding guards against products like 0.29 · 100 = 28.999999999999996.
    allowed = math.floor(round(fpr * negatives.size, 9))
    ceiling = negatives[allowed] if allowed < negatives.size else -math.inf
    called = values > ceiling
    hits = int(called[is_positive].sum())
    return OperatingPoint(
        value=hits / n_positive,
        interval=clopper_pearson(hits, n_positive, level),
        threshold=float(values[called].min(initial=math.inf)),
        false_positive_rate=float(called[~is_positive].mean()),
        n_positive=n_positive,
        n_negative=negatives.size,
    )


def balanced_accuracy_best_threshold(scores: npt.ArrayLike, labels: npt.ArrayLike) -> BestThreshold:
    """Largest mean of true-positive and true-negative rate over all thresholds.

    Formula: max over t of (TPR(t) + 1 − FPR(t)) / 2, where a score ≥ t is positive. Range:
    [0.5, 1]. Chosen on the data it is measured on, so above 0.5 without any information; compare
    it with a permutation null. Undefined: no positives, no negatives, or a NaN score.
    """
    values, is_positive = _checked(scores, labels)
    if is_positive.all() or not is_positive.any() or np.isnan(values).any():
        reason = "a score is NaN" if np.isnan(values).any() else "only one class"
        return BestThreshold(math.nan, math.nan, reason)
    thresholds = np.append(np.unique(values), math.inf)
    positives, negatives = np.sort(values[is_positive]), np.sort(values[~is_positive])
    missed = np.searchsorted(positives, thresholds, side="left") / positives.size
    rejected = np.searchsorted(negatives, thresholds, side="left") / negatives.size
    accuracies = (1 - missed + rejected) / 2
    best = int(np.argmax(accuracies))
    return BestThreshold(float(accuracies[best]), float(thresholds[best]))


def epsilon_lower_bound(
    true_positives: int,
    n_positive: int,
    false_positives: int,
    n_negative: int,
    level: float = 0.95,
    delta: float = 0.0,
) -> float:
    """Privacy loss ε below which no (ε, δ)-private training could be attacked this well.

    Formula: max(0, ln((TPR₋ − δ) / FPR₊), ln((TNR₋ − δ) / FNR₊)) with Clopper-Pearson bounds, each
    exceeded with probability at most (1 − level)/2, so that all hold at once at ``level``.
    Range: [0, ∞); higher is worse; 0 means nothing was shown, not that training was private.
    Undefined: no members or no non-members (NaN). The attack's threshold must have been chosen on
    other data. Reference: Jagielski, Ullman & Oprea 2020 (2006.07709), section 3.

    Args:
        true_positives: Members called members, of ``n_positive``.
        n_positive: Number of members, each trained on independently.
        false_positives: Non-members called members, of ``n_negative``.
        n_negative: Number of non-members.
        level: Confidence that ε is at least the bound.
        delta: The δ of the guarantee.
    """
    if n_positive == 0 or n_negative == 0:
        return math.nan
    members = clopper_pearson(true_positives, n_positive, level)
    others = clopper_pearson(false_positives, n_negative, level)
    losses = [0.0]
    for hit, alarm in ((members.low, others.high), (1 - others.high, 1 - members.low)):
        if hit > delta:
            losses.append(math.log((hit - delta) / alarm))
    return max(losses)


def expected_rank(scores: npt.ArrayLike, positive_index: npt.ArrayLike) -> Floats:
    """Rank of the positive in each row when ties are broken at random, on average.

    Formula: 1 + #{greater} + #{ties}/2. Shape: (queries,). Range: [1, candidates], lower is
    better; (candidates + 1)/2 when all tie, so that a constant model does not come first.
    Undefined: a row with a NaN score (NaN).

    Args:
        scores: Score of each candidate, (queries, candidates).
        positive_index: Column of the positive in each row, (queries,).
    """
    table = np.asarray(scores, dtype=float)
    positive = np.take_along_axis(table, np.asarray(positive_index)[:, None], axis=1)
    greater = (table > positive).sum(axis=1)
    ties = (table == positive).sum(axis=1) - 1
    ranks = 1.0 + greater + ties / 2
    return np.where(np.isnan(table).any(axis=1), np.nan, ranks)


def _checked(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Booleans]:
    values, truth = np.asarray(scores, dtype=float), np.asarray(labels)
    if values.ndim != 1 or values.shape != truth.shape:
        raise ValueError("scores and labels must be of one dimension and equally long")
    if truth.dtype != bool and not np.isin(truth, (0, 1)).all():
        raise ValueError("labels must be booleans, 0 or 1")
    return values, truth.astype(bool)


def mid_ranks(values: Floats) -> Floats:
    """Ranks from 1 up, ties sharing their mean; scipy.stats has it but takes a second to import."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse], dtype=float)


def _delong_error(values: Floats, is_positive: Booleans) -> float:
    """Standard error of the area, from the spread of each sample's share of pairs in order."""
    ranks = mid_ranks(values)
    positive, negative = values[is_positive], values[~is_positive]
    of_positives = (ranks[is_positive] - mid_ranks(positive)) / negative.size
    of_negatives = (ranks[~is_positive] - mid_ranks(negative)) / positive.size
    variance = of_positives.var(ddof=1) / positive.size + of_negatives.var(ddof=1) / negative.size
    return math.sqrt(float(variance))


def _reason_not_to(
    n_positive: int, negatives: Floats, values: Floats, fpr: float, *, allow_small: bool
) -> str | None:
    """Why there is no rate to print; None when there is."""
    if not 0 <= fpr < 1:
        raise ValueError(f"fpr must lie in [0, 1) (got {fpr})")
    if np.isnan(values).any():
        return "a score is NaN"
    if n_positive == 0 or negatives.size == 0:
        return "only one class"
    needed = math.inf if fpr == 0 else round(EXPECTED_FALSE_POSITIVES / fpr, 6)
    if negatives.size < needed and not allow_small:
        return f"{negatives.size} negatives; a false-positive rate of {fpr:g} needs {needed:,.0f}"
    return None
