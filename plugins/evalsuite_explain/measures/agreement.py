"""Do two explainers say the same of one input? Descriptive: they may agree and both be wrong.

Reference: Krishna et al. 2022, The disagreement problem in explainable machine learning.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, spearmanr


def spearman(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Rank correlation of signed scores [-1, 1]; NaN where one of them ranks nothing."""
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    return float(spearmanr(a, b).statistic) if _is_ranked(a) and _is_ranked(b) else math.nan


def kendall(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Kendall's tau-b of signed scores [-1, 1]; NaN where one of them ranks nothing."""
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    with warnings.catch_warnings(action="ignore"):
        return float(kendalltau(a, b).statistic) if _is_ranked(a) and _is_ranked(b) else math.nan


def top_jaccard(one: npt.ArrayLike, other: npt.ArrayLike, k: int) -> float:
    """|both| / |either| of the k features that each ranks highest [0, 1]; first ones on a tie."""
    tops = [
        set(np.argsort(-np.asarray(scores, dtype=float), kind="stable")[:k].tolist())
        for scores in (one, other)
    ]
    return len(tops[0] & tops[1]) / len(tops[0] | tops[1])


def expected_top_jaccard(n: int, k: int) -> float:
    """The mean of ``top_jaccard`` over unrelated rankings of n features."""
    k = min(k, n)
    shared = np.arange(max(0, 2 * k - n), k + 1)
    ways = [math.comb(k, s) * math.comb(n - k, k - s) / math.comb(n, k) for s in shared.tolist()]
    return float(sum(way * s / (2 * k - s) for way, s in zip(ways, shared.tolist())))


def _is_ranked(scores: npt.NDArray[np.float64]) -> bool:
    return len(scores) > 1 and bool(np.isfinite(scores).all()) and float(np.ptp(scores)) > 0
