"""Comparisons of two measurements of the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

from evalsuite.statistics.bootstrap import Method, bootstrap_distribution
from evalsuite.statistics.interval import Interval
from evalsuite.statistics.permutation import Alternative, NullDistribution
from evalsuite.statistics.units import flipped_sums, make_units


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """How much the first of two measurements exceeds the second.

    Attributes:
        difference: First − second, of the means or of another statistic.
        interval: Paired bootstrap interval of the difference.
        p_value: Sign-flip permutation p-value of no difference.
        n: Number of pairs.
        n_units: Number of pairs or clusters of pairs that were resampled.
        standard_error: Standard deviation of the difference over resamples.
        reason: Why something is NaN; None when nothing is.
    """

    difference: float
    interval: Interval
    p_value: float
    n: int
    n_units: int
    standard_error: float
    reason: str | None = None


def paired_comparison(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    permutations: int = 2000,
    method: Method = "percentile",
    alternative: Alternative = "two-sided",
) -> PairedComparison:
    """Mean difference of paired measurements with interval and p-value.

    Formula: mean of dᵢ = firstᵢ − secondᵢ; whole clusters of pairs are drawn, and flipped.
    Undefined: no pairs, or differences that are not finite; the interval also with fewer than
    two units. Reference: Efron & Tibshirani 1993, chapters 8 and 15.

    Args:
        first: Measurements of the samples, (n,).
        second: Measurements of the same samples in the same order, (n,).
        rng: Source of randomness.
        clusters: Label of the cluster of each pair, (n,).
        level: Nominal coverage of the interval.
        resamples: Number of bootstrap resamples.
        permutations: Number of random sign flips; all are enumerated when they are fewer.
        method: Kind of bootstrap interval.
        alternative: ``greater`` asks whether the first is larger.
    """
    differences = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    distribution = bootstrap_distribution(
        differences,
        rng=rng,
        clusters=clusters,
        resamples=resamples,
        with_jackknife=method == "bca",
    )
    null = sign_flip_null(differences, rng=rng, clusters=clusters, permutations=permutations)
    return PairedComparison(
        difference=distribution.observed,
        interval=distribution.interval(level, method),
        p_value=null.p_value(distribution.observed, alternative),
        n=differences.size,
        n_units=distribution.n_units,
        standard_error=distribution.standard_error,
        reason=distribution.reason,
    )


def sign_flip_null(
    differences: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    permutations: int = 2000,
) -> NullDistribution:
    """Mean difference if each pair, or cluster of pairs, could as well be the other way round.

    Formula: (1/n)·Σᵤ sᵤ·Dᵤ with Dᵤ the total difference of unit u and s uniform on {−1, +1}. All
    2ᵘ flips are enumerated when there are no more than ``permutations``.
    Undefined: no pairs, or differences that are not finite (no samples and a reason).
    Reference: Fisher 1935, The Design of Experiments, section 21.
    """
    array = np.asarray(differences, dtype=float)
    if array.size == 0 or not np.isfinite(array).all():
        reason = "no pairs" if array.size == 0 else "not all differences are finite"
        return NullDistribution(np.empty(0), reason=reason)
    units = make_units(array.size, clusters)
    totals = units.sums(array[:, None])[:, 0]
    n_units = len(units)
    if n_units < 63 and 2**n_units <= permutations:
        bits = np.arange(2**n_units)[:, None] >> np.arange(n_units) & 1
        return NullDistribution((1.0 - 2.0 * bits) @ totals / array.size, is_exact=True)
    flipped = flipped_sums(totals[:, None], permutations, rng)[:, 0]
    return NullDistribution((totals.sum() - 2 * flipped) / array.size)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value that two binary classifiers are right equally often.

    Formula: min(1, 2·P(X ≤ min(b, c))), X ~ Binomial(b + c, ½), over the pairs that disagree.
    Range: (0, 1]. No disagreement gives 1. Undefined: a negative count (ValueError).
    Reference: McNemar 1947, Psychometrika 12; exact form as in Fay 2010, Biostatistics 11.

    Args:
        only_first: Number of pairs b where only the first is right.
        only_second: Number of pairs c where only the second is right.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError("counts of pairs cannot be negative")
    n = only_first + only_second
    tail = float(bdtr(min(only_first, only_second), n, 0.5)) if n else math.inf
    return min(1.0, 2 * tail)
