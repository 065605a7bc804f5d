"""Bootstrap of statistics of pairs, such as trials that compare two speakers.

Trials that share a speaker are not independent, and no partition into clusters makes them so: the
speakers are what was drawn from a population. So speakers are resampled, and a trial occurs as
often as both of its speakers do together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import BootstrapDistribution, WeightedStatistic
from evalsuite.statistics.points import WHY_NONE, asks_only_values
from evalsuite.statistics.units import chunks, codes_of


def dyadic_distribution(
    values: npt.ArrayLike,
    statistic: WeightedStatistic,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> BootstrapDistribution:
    """Distribution of a statistic of pairs over their members, drawn with replacement.

    With w_i how often member i is drawn, the pair (i, j) occurs w_i w_j times, and (i, i), a pair
    within one member, w_i times. Undefined (no replicates, with a reason): fewer than three
    members. Reference: Snijders and Borgatti 1999, Connections 22 (vertex bootstrap); for trials
    of speakers Poh, Martin and Bengio 2007, IEEE PAMI (bootstrap of users).

    Args:
        values: One entry or row for each pair, (n,) or (n, ...).
        statistic: Function of values (n, ...) and counts (draws, n) that returns (draws,).
        first: Label of one member of each pair, (n,).
        second: Label of the other, (n,).
        rng: Source of randomness.
        resamples: Number of resamples.
    """
    rows = np.asarray(values)
    codes, labels = codes_of([*np.asarray(first), *np.asarray(second)])
    one, other = np.split(codes, 2)
    n_members = len(labels)
    observed = float(statistic(rows, np.ones((1, len(rows))))[0])
    if n_members < 3 or asks_only_values():
        few = f"fewer than three members to resample (n = {n_members})"
        reason = few if n_members < 3 else WHY_NONE
        return BootstrapDistribution(observed, np.empty(0), np.empty(0), n_members, reason)
    replicates = np.empty(resamples)
    for draws in chunks(resamples, len(rows)):
        height = draws.stop - draws.start
        drawn = rng.multinomial(n_members, np.full(n_members, 1 / n_members), size=height)
        first_drawn, second_drawn = (
            np.take(drawn.astype(float), part, axis=1) for part in (one, other)
        )
        counts = first_drawn * np.where(one == other, 1.0, second_drawn)
        replicates[draws] = statistic(rows, counts)
    return BootstrapDistribution(observed, replicates, np.empty(0), n_members)
