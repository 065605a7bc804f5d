"""Bootstrap distributions and intervals, for independent rows and for rows in clusters.

Rows that share a speaker, a template or a document are not independent: pass ``clusters`` and
whole clusters are drawn. Two limits to know: when all values are equal every resample is equal
too and the interval has no width (for 0/1 data use :func:`proportion_interval`, which falls back
to an exact one); and below about 20 units percentile intervals are too narrow, which
``method="expanded"`` corrects to first order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from evalsuite.statistics.interval import Interval
from evalsuite.statistics.points import WHY_NONE, asks_only_values
from evalsuite.statistics.units import (
    Floats,
    Units,
    chunks,
    make_units,
    ratio,
    resampled_counts,
    resampled_sums,
)

Method: TypeAlias = Literal["percentile", "bca", "basic", "expanded"]

# A statistic of weighted rows: values (n, ...) and counts (draws, n) to results (draws,).
# Counts say how often each row was drawn, so that one call serves a whole chunk of resamples.
WeightedStatistic: TypeAlias = Callable[[npt.NDArray[Any], Floats], Floats]

# Beyond this share of resamples without a value, quantiles of the rest would mislead.
MAX_UNDEFINED_SHARE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapDistribution:
    """Values of a statistic over resamples.

    Attributes:
        observed: The statistic of the data themselves.
        replicates: Its value on each resample, (resamples,); NaN where undefined.
        jackknife: Its value with each unit left out, (n_units,); empty unless asked for.
        n_units: Number of units that were drawn: rows or clusters.
        reason: Why there are no replicates; None when there are.
    """

    observed: float
    replicates: Floats
    jackknife: Floats
    n_units: int
    reason: str | None = None

    @property
    def standard_error(self) -> float:
        """Standard deviation over the defined replicates; NaN with fewer than two."""
        defined = self.replicates[~np.isnan(self.replicates)]
        return float(np.std(defined, ddof=1)) if defined.size > 1 else math.nan

    def interval(self, level: float = 0.95, method: Method = "percentile") -> Interval:
        """Interval at a level.

        With q the quantiles of the replicates, θ the observed value and α = 1 − level:
        percentile is (q(α/2), q(1−α/2)); basic is (2θ − q(1−α/2), 2θ − q(α/2)); bca moves both
        probabilities for median bias and skewness; expanded widens them as Student's t would.
        Undefined: fewer than two units, or more than 5 % of the replicates undefined.
        Reference: Efron & Tibshirani 1993, chapters 13-14; expanded: Hesterberg 2015, TAS 69.
        """
        name = f"{method} bootstrap"
        if not 0 < level < 1:
            raise ValueError(f"level must lie strictly between 0 and 1 (got {level})")
        if self.reason is not None:
            return Interval.undefined(self.reason, level=level, method=name)
        undefined_share = float(np.mean(np.isnan(self.replicates)))
        if math.isnan(self.observed) or undefined_share > MAX_UNDEFINED_SHARE:
            reason = f"the statistic is undefined on {undefined_share:.0%} of the resamples"
            return Interval.undefined(reason, level=level, method=name)
        low, high = np.nanquantile(self.replicates, self._probabilities(level, method))
        if method == "basic":
            low, high = 2 * self.observed - high, 2 * self.observed - low
        return Interval(float(low), float(high), level, name)

    def _probabilities(self, level: float, method: Method) -> Floats:
        """Probabilities of the two quantiles that bound the interval."""
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        if method == "expanded":
            widening = math.sqrt(self.n_units / (self.n_units - 1))
            return np.asarray(ndtr(widening * stdtrit(self.n_units - 1, tails)))
        if method != "bca":
            return tails
        if self.jackknife.size == 0:
            raise ValueError("a bca interval needs the jackknife; ask for it with the distribution")
        shift = ndtri(tails) + self._median_bias()
        return np.asarray(ndtr(self._median_bias() + shift / (1 - self._acceleration() * shift)))

    def _median_bias(self) -> float:
        """Normal score of the share of replicates below the observed value, ties counted half."""
        defined = self.replicates[~np.isnan(self.replicates)]
        below = np.mean(defined < self.observed) + np.mean(defined == self.observed) / 2
        half_a_draw = 0.5 / defined.size
        return float(ndtri(np.clip(below, half_a_draw, 1 - half_a_draw)))

    def _acceleration(self) -> float:
        """Skewness of the jackknife over six; 0 when it does not vary."""
        deviation = np.nanmean(self.jackknife) - self.jackknife
        scale = float(np.nansum(deviation**2))
        return float(np.nansum(deviation**3)) / (6 * scale**1.5) if scale > 0 else 0.0


def bootstrap_distribution(
    values: npt.ArrayLike,
    statistic: Literal["mean"] | WeightedStatistic = "mean",
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    resamples: int = 2000,
    with_jackknife: bool = False,
) -> BootstrapDistribution:
    """Distribution of a statistic over units drawn with replacement.

    Args:
        values: One entry or row for each sample, (n,) or (n, ...).
        statistic: ``mean``, or a function of values (n, ...) and counts (draws, n) that returns
            (draws,), see :func:`by_repetition` for one that is not written with counts.
        rng: Source of randomness.
        clusters: Label of the cluster of each row, (n,); clusters are drawn whole.
        strata: Label of the pool of each row, (n,); each keeps its number of units.
        weights: Non-negative weights of the mean, (n,).
        resamples: Number of resamples.
        with_jackknife: Also leave out each unit in turn; ``method="bca"`` needs it.
    """
    array = np.asarray(values)
    if not callable(statistic):
        weight = np.ones(len(array)) if weights is None else np.asarray(weights, dtype=float)
        return ratio_distribution(
            array * weight,
            weight,
            rng=rng,
            clusters=clusters,
            strata=strata,
            resamples=resamples,
            with_jackknife=with_jackknife,
        )
    if weights is not None:
        raise ValueError("weights belong to the mean; a callable statistic gets counts instead")
    units = make_units(len(array), clusters, strata)
    return _distribution_of(statistic, array, units, resamples, rng, with_jackknife)


def ratio_distribution(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    resamples: int = 2000,
    with_jackknife: bool = False,
) -> BootstrapDistribution:
    """Distribution of Σ numerators / Σ denominators over units drawn with replacement.

    Only totals of units are drawn, never rows, so that this is the fast path for means and for
    corpus ratios. Arguments as for :func:`bootstrap_distribution`; a resample whose denominators
    sum to zero is undefined (NaN).
    """
    columns = np.stack(
        [np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)], axis=1
    )
    units = make_units(len(columns), clusters, strata)
    reason = _reason_not_to(units, columns)
    if reason is not None:
        return _without_replicates(float(ratio(columns.sum(axis=0))), units, reason)
    sums = units.sums(columns)
    totals = np.zeros((resamples, 2))
    for stratum in range(units.n_strata):
        totals += resampled_sums(sums[units.stratum == stratum], resamples, rng)
    jackknife = ratio(sums.sum(axis=0) - sums) if with_jackknife else np.empty(0)
    observed = float(ratio(sums.sum(axis=0)))
    return BootstrapDistribution(observed, ratio(totals), jackknife, len(units))


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Literal["mean"] | WeightedStatistic = "mean",
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    method: Method = "percentile",
) -> Interval:
    """Bootstrap interval of a statistic; arguments as for :func:`bootstrap_distribution`.

    Range: that of the statistic, except for ``basic``. Undefined: fewer than two units, values
    that are not finite, or a statistic undefined on more than 5 % of the resamples.
    Reference: Efron & Tibshirani 1993, chapters 8 and 13-14.
    """
    distribution = bootstrap_distribution(
        values,
        statistic,
        rng=rng,
        clusters=clusters,
        strata=strata,
        weights=weights,
        resamples=resamples,
        with_jackknife=method == "bca",
    )
    return distribution.interval(level, method)


def ratio_interval(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    method: Method = "percentile",
) -> Interval:
    """Bootstrap interval of Σ numerators / Σ denominators, e.g. corpus word error rate.

    Arguments and undefined cases as for :func:`bootstrap_interval`.
    Reference: Bisani & Ney 2004, ICASSP (bootstrap of the word error rate).
    """
    distribution = ratio_distribution(
        numerators,
        denominators,
        rng=rng,
        clusters=clusters,
        strata=strata,
        resamples=resamples,
        with_jackknife=method == "bca",
    )
    return distribution.interval(level, method)


def by_repetition(function: Callable[[npt.NDArray[Any]], float]) -> WeightedStatistic:
    """Turn a function of plain values into a weighted statistic, by repeating rows; slow."""

    def statistic(values: npt.NDArray[Any], counts: Floats) -> Floats:
        repeats = counts.astype(np.int64)
        return np.array([function(np.repeat(values, row, axis=0)) for row in repeats], dtype=float)

    return statistic


def _distribution_of(
    statistic: WeightedStatistic,
    values: npt.NDArray[Any],
    units: Units,
    resamples: int,
    rng: np.random.Generator,
    with_jackknife: bool,
) -> BootstrapDistribution:
    """Distribution of a weighted statistic, a chunk of resamples at a time."""
    if asks_only_values():
        observed = float(statistic(values, np.ones((1, len(values))))[0])
        return _without_replicates(observed, units, WHY_NONE)
    reason = _reason_not_to(units, values)
    if reason is not None:
        return _without_replicates(math.nan, units, reason)
    replicates = np.empty(resamples)
    for draws in chunks(resamples, len(values)):
        counts = resampled_counts(units, draws.stop - draws.start, rng)
        replicates[draws] = statistic(values, units.row_counts(counts))
    observed = float(statistic(values, np.ones((1, len(values))))[0])
    jackknife = _jackknife(values, statistic, units) if with_jackknife else np.empty(0)
    return BootstrapDistribution(observed, replicates, jackknife, len(units))


def _jackknife(values: npt.NDArray[Any], statistic: WeightedStatistic, units: Units) -> Floats:
    """The statistic with each unit left out, (n_units,)."""
    left_out = np.empty(len(units))
    for part in chunks(len(units), len(values)):
        indices = np.arange(part.start, part.stop)
        left_out[part] = statistic(values, (units.of_row != indices[:, None]).astype(float))
    return left_out


def _reason_not_to(units: Units, values: npt.NDArray[Any]) -> str | None:
    """Why these data are not resampled; None when they are."""
    if asks_only_values():
        return WHY_NONE
    if len(units) < 2 or units.smallest_stratum < 2:
        return f"fewer than two units to resample (n = {units.smallest_stratum})"
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return "not all values are finite"
    return None


def _without_replicates(observed: float, units: Units, reason: str) -> BootstrapDistribution:
    return BootstrapDistribution(observed, np.empty(0), np.empty(0), len(units), reason)
