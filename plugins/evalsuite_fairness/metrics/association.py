"""Differential association of two sets of targets with two sets of attributes.

All functions take unit or other vectors and use cosines; a positive value means that the first
targets are closer to the first attributes than the second targets are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from evalsuite.statistics import (
    BootstrapDistribution,
    NullDistribution,
    bootstrap_distribution,
    permutation_null,
)

Vectors = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]

# Two sets of three have 20 deals, two of eight 12,870: all are counted. Larger sets are dealt at
# random, which no p of interest needs more often than this.
EXACT_DEALS = 20_000
DRAWS = 5_000


@dataclass(frozen=True, eq=False)
class Associations:
    """How much closer each target is to the first attributes than to the second.

    Attributes:
        first: Of the first set of targets, [n].
        second: Of the second set, [m].
    """

    first: Floats
    second: Floats

    @property
    def effect_size(self) -> float:
        """Cohen's d: difference of means over the standard deviation of all targets (ddof 1).

        Range about [-2, 2]; 0 without a difference. Undefined: a set is empty, or no spread (NaN).
        Reference: Caliskan et al. 2017 (Science 356), equation of the effect size.
        """
        both = np.concatenate([self.first, self.second])
        if not len(self.first) or not len(self.second) or len(both) < 3:
            return math.nan
        spread = both.std(ddof=1)
        # Equal vectors give associations that differ in the last digit only.
        if spread <= 1e-12:
            return math.nan
        return float((self.first.mean() - self.second.mean()) / spread)

    def permuted(self, rng: np.random.Generator, draws: int = DRAWS) -> NullDistribution:
        """Effect sizes when targets are dealt to the two sets at random; all deals if few enough.

        The standard deviation of all targets is the same in every deal, so the order of deals is
        that of the published test statistic, the difference of sums.
        """
        values = np.concatenate([self.first, self.second])
        is_first = np.repeat([1.0, 0.0], [len(self.first), len(self.second)])
        n_deals = math.comb(len(values), len(self.first))

        def effect(array: Floats, labels: Floats) -> Floats:
            n_first = labels.sum(axis=1)
            mean = labels @ array / n_first
            other = (array.sum() - labels @ array) / (len(array) - n_first)
            return np.asarray((mean - other) / array.std(ddof=1))

        return permutation_null(
            effect,
            values,
            is_first,
            rng=rng,
            permutations=n_deals if n_deals <= EXACT_DEALS else draws,
            is_vectorised=True,
        )

    def resampled(self, rng: np.random.Generator) -> BootstrapDistribution:
        """Effect sizes when targets are drawn anew within each set."""
        values = np.concatenate([self.first, self.second])
        is_first = np.repeat([1.0, 0.0], [len(self.first), len(self.second)])

        def effect(rows: Floats, counts: Floats) -> Floats:
            array, first = rows.T
            n, n_first = counts.sum(axis=1), counts @ first
            mean = counts @ (array * first) / n_first
            other = counts @ (array * (1 - first)) / (n - n_first)
            centred = array - array.mean()  # a common shift costs digits in the squares
            total = counts @ centred / n
            variance = (counts @ centred**2 / n - total**2) * n / (n - 1)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.where(variance > 1e-24, (mean - other) / np.sqrt(variance), np.nan)

        rows = np.stack([values, is_first], axis=1)
        found = bootstrap_distribution(rows, effect, strata=is_first, rng=rng)
        # What is drawn anew is a set: the smaller one decides how far intervals are widened.
        return replace(found, n_units=min(len(self.first), len(self.second)))


def associations(first: Vectors, second: Vectors, a: Vectors, b: Vectors) -> Associations:
    """Mean cosine to the first attributes minus mean cosine to the second, for each target.

    Args:
        first: Vectors of the first targets, [n, dimensions].
        second: Of the second targets, [m, dimensions].
        a: Of the first attributes, [k, dimensions].
        b: Of the second attributes, [l, dimensions].
    """
    direction = _units(a).mean(axis=0) - _units(b).mean(axis=0)
    return Associations(_units(first) @ direction, _units(second) @ direction)


def centred(*sets: Vectors) -> list[Vectors]:
    """The sets with the mean of all their vectors taken away.

    In a narrow cone of vectors all cosines are close to 1, and effect sizes of two spaces do not
    compare; without the common direction they do better (Mu and Viswanath 2018).
    """
    mean = np.concatenate(sets).mean(axis=0)
    return [vectors - mean for vectors in sets]


def _units(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0), dtype=float)


@dataclass(frozen=True)
class Pooled:
    """An effect over many contexts.

    Attributes:
        effect: Weighted mean of the contexts' effects.
        standard_error: Of that mean.
        between: Variance of the true effects between contexts, 0 where none shows.
        p_value: Two-sided, by the normal distribution.
    """

    effect: float
    standard_error: float
    between: float
    p_value: float


def pooled_effect(effects: npt.ArrayLike, variances: npt.ArrayLike) -> Pooled:
    """Random-effects mean of effect sizes.

    Weights are 1 / (variance within + variance between), the latter by DerSimonian and Laird's
    moments. Undefined: fewer than two effects (NaN).
    Reference: DerSimonian & Laird 1986; for associations Guo & Caliskan 2021 (CEAT), section 3.

    Args:
        effects: One effect size for each context, [contexts].
        variances: Its sampling variance, [contexts].
    """
    effect, variance = np.asarray(effects, float), np.asarray(variances, float)
    if len(effect) < 2:
        return Pooled(math.nan, math.nan, math.nan, math.nan)
    weight = 1 / variance
    mean = float(weight @ effect / weight.sum())
    spread = float(weight @ (effect - mean) ** 2)
    scale = float(weight.sum() - weight @ weight / weight.sum())
    between = max(0.0, (spread - (len(effect) - 1)) / scale)
    weight = 1 / (variance + between)
    pooled = float(weight @ effect / weight.sum())
    error = float(1 / math.sqrt(weight.sum()))
    return Pooled(pooled, error, between, float(2 * norm.sf(abs(pooled / error))))


def effect_variance(effect: float, n_first: int, n_second: int) -> float:
    """Sampling variance of Cohen's d, (n+m)/(nm) + d²/(2(n+m)) (Hedges & Olkin 1985)."""
    n = n_first + n_second
    return n / (n_first * n_second) + effect**2 / (2 * n)
