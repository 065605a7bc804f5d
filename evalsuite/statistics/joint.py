"""Two measurements of the same samples, compared by any statistic of sums."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import BootstrapDistribution, Method
from evalsuite.statistics.paired import PairedComparison
from evalsuite.statistics.permutation import NullDistribution
from evalsuite.statistics.totals import TotalsStatistic, totals_distribution
from evalsuite.statistics.units import Floats, flipped_sums, make_units


def paired_totals_comparison(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    statistic: TotalsStatistic,
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    permutations: int = 2000,
    method: Method = "expanded",
) -> PairedComparison:
    """Difference of a statistic of sums between two measurements, with interval and p-value.

    Formula: T(Σ first) − T(Σ second), e.g. of two corpus error rates, F1 scores or gaps between
    groups. A drawn unit brings both of its measurements; for the p-value each unit's two are
    swapped by the toss of a coin (approximate randomisation).
    Undefined: fewer than two units, values that are not finite, or a statistic without a value.
    Reference: Yeh 2000, COLING (randomisation of F1); Bisani & Ney 2004, ICASSP (paired bootstrap).

    Args:
        first: What each sample adds, (n, k).
        second: The same of the other measurement, in the same order and columns.
        statistic: Sums (draws, k) to values (draws,).
        rng: Source of randomness.
        clusters: Label of the cluster of each sample, (n,); drawn and swapped whole.
        level: Nominal coverage of the interval.
        resamples: Number of bootstrap resamples.
        permutations: Number of random swaps; all are enumerated when they are fewer.
        method: Kind of bootstrap interval.
    """
    ours, theirs = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    width = ours.shape[1]

    def difference(totals: Floats) -> Floats:
        return np.asarray(statistic(totals[:, :width]) - statistic(totals[:, width:]), dtype=float)

    both = np.concatenate([ours, theirs], axis=1)
    found = totals_distribution(both, difference, rng=rng, clusters=clusters, resamples=resamples)
    null = _swap_null(ours, theirs, difference, rng, clusters, permutations)
    return PairedComparison(
        difference=found.observed,
        interval=found.interval(level, method),
        p_value=null.p_value(found.observed),
        n=len(ours),
        n_units=found.n_units,
        standard_error=found.standard_error,
        reason=_reason(found),
    )


def _swap_null(
    ours: Floats,
    theirs: Floats,
    difference: TotalsStatistic,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None,
    permutations: int,
) -> NullDistribution:
    """The difference when each unit's two measurements may as well be the other way round."""
    if not len(ours) or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return NullDistribution(np.empty(0), reason="no pairs, or values that are not finite")
    units = make_units(len(ours), clusters)
    excess = units.sums(theirs - ours)
    n_units = len(units)
    is_exact = n_units < 63 and 2**n_units <= permutations
    if is_exact:
        moved = (np.arange(2**n_units)[:, None] >> np.arange(n_units) & 1) @ excess
    else:
        moved = flipped_sums(excess, permutations, rng)
    swapped = np.concatenate([ours.sum(axis=0) + moved, theirs.sum(axis=0) - moved], axis=1)
    return NullDistribution(difference(swapped), is_exact)


def _reason(found: BootstrapDistribution) -> str | None:
    if math.isnan(found.observed):
        return found.reason or "the statistic has no value on these samples"
    return found.reason
