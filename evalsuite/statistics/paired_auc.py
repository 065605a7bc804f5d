"""How much better one score tells positives from negatives than another, on the same samples."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from evalsuite.statistics.bootstrap import bootstrap_interval
from evalsuite.statistics.interval import Interval
from evalsuite.statistics.ranking import Booleans, mid_ranks, roc_auc, weighted_auc
from evalsuite.statistics.units import Floats


def auc_difference_interval(
    scores: npt.ArrayLike,
    rivals: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Interval of AUC(scores) minus AUC(rivals), both of the same samples.

    Independent rows: DeLong's variance of the difference, which counts how the two areas move
    together; cut to [-1, 1]. Clustered rows: percentile cluster bootstrap.
    Undefined: fewer than two positives or negatives, or a NaN score.
    Reference: DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44.

    Args:
        scores: One number for each sample, (n,).
        rivals: Another number for each sample, (n,).
        labels: True or 1 for positives, (n,).
        clusters: Label of the cluster of each row, (n,).
        rng: Source of randomness; needed with clusters.
        level: Nominal coverage.
        resamples: Number of bootstrap resamples.
    """
    first, second = np.asarray(scores, dtype=float), np.asarray(rivals, dtype=float)
    is_positive = np.asarray(labels).astype(bool)
    smaller = min(int(is_positive.sum()), int((~is_positive).sum()))
    if smaller < 2 or np.isnan(first).any() or np.isnan(second).any():
        reason = "fewer than two of a class" if smaller < 2 else "a score is NaN"
        return Interval.undefined(reason, level=level, method="paired DeLong")
    if clusters is not None:
        if rng is None:
            raise ValueError("clustered rows are resampled; pass rng")
        rows = np.stack([first, second, is_positive.astype(float)], axis=1)
        return bootstrap_interval(
            rows, _weighted_difference, rng=rng, clusters=clusters, level=level, resamples=resamples
        )
    one, other = _placements(first, is_positive), _placements(second, is_positive)
    variance = sum(float((a - b).var(ddof=1)) / len(a) for a, b in zip(one, other, strict=True))
    half = -float(ndtri((1 - level) / 2)) * math.sqrt(variance)
    centre = roc_auc(first, is_positive) - roc_auc(second, is_positive)
    return Interval(max(-1.0, centre - half), min(1.0, centre + half), level, "paired DeLong")


def _placements(values: Floats, is_positive: Booleans) -> tuple[Floats, Floats]:
    """Each sample's share of pairs in order: of the positives, then of the negatives."""
    ranks = mid_ranks(values)
    positive, negative = values[is_positive], values[~is_positive]
    of_positives = (ranks[is_positive] - mid_ranks(positive)) / negative.size
    of_negatives = 1 - (ranks[~is_positive] - mid_ranks(negative)) / positive.size
    return of_positives, of_negatives


def _weighted_difference(rows: Floats, counts: Floats) -> Floats:
    """A weighted statistic for the bootstrap."""
    one, other = rows[:, [0, 2]], rows[:, [1, 2]]
    return weighted_auc(one, counts) - weighted_auc(other, counts)
