"""What a statistic would be if labels had nothing to do with values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.interval import Interval
from evalsuite.statistics.points import WHY_NONE, asks_only_values
from evalsuite.statistics.units import Floats, Integers, chunks, codes_of, is_nested

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]
LabelStatistic: TypeAlias = Callable[[npt.NDArray[Any], npt.NDArray[Any]], Any]

# Arrangements that tie with the data must count as ties whatever the order of summation.
TIE_TOLERANCE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class NullDistribution:
    """Values of a statistic under the null hypothesis.

    Attributes:
        samples: The values, (arrangements,); those that are NaN are left out of every summary.
        is_exact: Whether they are all arrangements, the observed one included.
        reason: Why there are none; None when there are.
    """

    samples: Floats
    is_exact: bool = False
    reason: str | None = None

    @property
    def mean(self) -> float:
        """Expected value under the null: the floor a biased statistic cannot get below."""
        defined = self._defined()
        return float(defined.mean()) if defined.size else math.nan

    @property
    def sd(self) -> float:
        """Standard deviation under the null."""
        defined = self._defined()
        if defined.size < 2:
            return math.nan
        return float(defined.std(ddof=0 if self.is_exact else 1))

    def quantiles(self, level: float = 0.95) -> Interval:
        """Central range that holds ``level`` of the null values."""
        defined = self._defined()
        method = "permutation quantiles"
        if defined.size == 0:
            reason = self.reason or "no null value is defined"
            return Interval.undefined(reason, level=level, method=method)
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(low), float(high), level, method)

    def p_value(self, observed: float, alternative: Alternative = "two-sided") -> float:
        """Chance under the null of a value at least as extreme as the observed one.

        Formula: (1 + #{s ≥ observed}) / (1 + B) for B random arrangements, so that it is never 0;
        #{s ≥ observed} / B for all of them. Two-sided: twice the smaller tail, at most 1.
        Range: (0, 1]. Undefined: NaN observed or no null values (NaN).
        Reference: Phipson & Smyth 2010 (SAGMB 9).
        """
        defined = self._defined()
        if math.isnan(observed) or defined.size == 0:
            return math.nan
        slack = TIE_TOLERANCE * max(1.0, abs(observed), float(np.abs(defined).max()))
        extra = 0 if self.is_exact else 1
        scale = defined.size + extra
        greater = (extra + int(np.sum(defined >= observed - slack))) / scale
        less = (extra + int(np.sum(defined <= observed + slack))) / scale
        if alternative == "greater":
            return greater
        return less if alternative == "less" else min(1.0, 2 * min(greater, less))

    def _defined(self) -> Floats:
        return self.samples[~np.isnan(self.samples)]


def permutation_null(
    statistic: LabelStatistic,
    values: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    permutations: int = 2000,
    clusters: npt.ArrayLike | None = None,
    is_vectorised: bool = False,
) -> NullDistribution:
    """Distribution of a statistic over permutations of the labels.

    Where each cluster has one label (speakers of one gender), labels are permuted among clusters.
    Where clusters hold several (a template filled with each group), they are permuted within
    clusters. All distinct arrangements are enumerated when there are no more than
    ``permutations`` of them, unless permuting is within clusters.

    Undefined: no rows, or one distinct label (nothing to permute; no samples and a reason).
    Reference: Good 2005, Permutation, Parametric and Bootstrap Tests, chapters 3 and 7.

    Args:
        statistic: Function of values (n, ...) and labels (n,) to a number; when ``is_vectorised``,
            of values and labels (draws, n) to (draws,).
        values: One entry or row for each sample.
        labels: One label for each sample, (n,).
        rng: Source of randomness.
        permutations: Number of random permutations.
        clusters: Label of the cluster of each row, (n,).
        is_vectorised: Whether the statistic takes many labellings at once.
    """
    array = np.asarray(values)
    codes, names = codes_of(labels)
    if len(names) < 2:
        return NullDistribution(np.empty(0), reason="fewer than two labels to permute")
    if asks_only_values():
        return NullDistribution(np.empty(0), reason=WHY_NONE)
    label_of = np.asarray(names)
    cluster_codes = None if clusters is None else codes_of(clusters)[0]
    arrangements, is_exact = _arrangements(codes, cluster_codes, permutations, rng)
    samples: list[Floats] = []
    for arranged in arrangements:
        shuffled = label_of[arranged]
        results = (
            statistic(array, shuffled)
            if is_vectorised
            else [statistic(array, labelling) for labelling in shuffled]
        )
        samples.append(np.asarray(results, dtype=float))
    return NullDistribution(np.concatenate(samples), is_exact)


def count_arrangements(codes: Integers) -> int:
    """Number of distinct orders of a multiset of codes: n! / Π nₖ!."""
    count = math.factorial(codes.size)
    for multiplicity in np.bincount(codes).tolist():
        count //= math.factorial(multiplicity)
    return count


def _arrangements(
    codes: Integers, clusters: Integers | None, permutations: int, rng: np.random.Generator
) -> tuple[Iterator[Integers], bool]:
    """Labellings (draws, n) in chunks, and whether they are all there are."""
    if clusters is not None and not is_nested(clusters, codes):
        return _within_clusters(codes, clusters, permutations, rng), False
    of_row = np.arange(codes.size) if clusters is None else clusters
    of_unit = np.zeros(int(of_row.max()) + 1, dtype=np.int64)
    of_unit[of_row] = codes
    # Beyond 20 units even two labels have too many orders; do not compute huge factorials.
    if of_unit.size <= 20 and count_arrangements(of_unit) <= permutations:
        everything = np.array(list(_distinct_orders(of_unit.tolist())), dtype=np.int64)
        return iter([everything[:, of_row]]), True
    return _among_units(of_unit, of_row, permutations, rng), False


def _among_units(
    of_unit: Integers, of_row: Integers, permutations: int, rng: np.random.Generator
) -> Iterator[Integers]:
    for draws in chunks(permutations, of_row.size):
        repeated = np.tile(of_unit, (draws.stop - draws.start, 1))
        yield rng.permuted(repeated, axis=1)[:, of_row]


def _within_clusters(
    codes: Integers, clusters: Integers, permutations: int, rng: np.random.Generator
) -> Iterator[Integers]:
    by_cluster = np.argsort(clusters, kind="stable")
    for draws in chunks(permutations, codes.size):
        # Sorting by cluster plus a random fraction shuffles within each cluster only.
        keys = clusters[by_cluster] + rng.random((draws.stop - draws.start, codes.size))
        arranged = np.empty(keys.shape, dtype=np.int64)
        arranged[:, by_cluster] = codes[by_cluster][np.argsort(keys, axis=1)]
        yield arranged


def _distinct_orders(codes: list[int]) -> Iterator[list[int]]:
    """Each distinct order of a multiset once, in lexicographic order (Knuth 7.2.1.2, L)."""
    order = sorted(codes)
    while True:
        yield order.copy()
        pivot = len(order) - 2
        while pivot >= 0 and order[pivot] >= order[pivot + 1]:
            pivot -= 1
        if pivot < 0:
            return
        successor = len(order) - 1
        while order[successor] <= order[pivot]:
            successor -= 1
        order[pivot], order[successor] = order[successor], order[pivot]
        order[pivot + 1 :] = reversed(order[pivot + 1 :])
