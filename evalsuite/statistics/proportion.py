"""Intervals of a share of successes, exact where rows are independent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import Method, bootstrap_interval
from evalsuite.statistics.interval import Interval, clopper_pearson
from evalsuite.statistics.units import make_units


def proportion_interval(
    successes: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    method: Method = "percentile",
) -> Interval:
    """Interval of the share of successes.

    Independent rows get the exact Clopper-Pearson interval. Clustered rows get a cluster
    bootstrap, except where all rows agree: resampling would then give no width at all, so the
    interval is the exact one with each cluster counted as a single trial, which is as if rows of
    a cluster told nothing beyond the first.

    Range: [0, 1]. Undefined: no rows, or fewer than two clusters (NaN bounds with a reason).

    Args:
        successes: One boolean, 0 or 1 for each row, (n,).
        clusters: Label of the cluster of each row, (n,); one row in each is as good as none.
        rng: Source of randomness; needed with clusters.
        level: Nominal coverage.
        resamples: Number of bootstrap resamples.
        method: Kind of bootstrap interval.
    """
    hits = np.asarray(successes, dtype=float)
    if not np.isin(hits, (0.0, 1.0)).all():
        raise ValueError("successes must be booleans, 0 or 1")
    n_units = len(make_units(hits.size, clusters))
    if n_units == hits.size:
        return clopper_pearson(int(hits.sum()), hits.size, level)
    if n_units < 2:
        reason = "fewer than two clusters to resample"
        return Interval.undefined(reason, level=level, method=f"{method} bootstrap")
    if hits.min() == hits.max():
        return clopper_pearson(int(hits[0]) * n_units, n_units, level)
    if rng is None:
        raise ValueError("clustered rows are resampled; pass rng")
    return bootstrap_interval(
        hits, rng=rng, clusters=clusters, level=level, resamples=resamples, method=method
    )
