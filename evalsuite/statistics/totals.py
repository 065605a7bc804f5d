"""Bootstrap of statistics of column totals: BLEU, confusion matrices, entity counts.

Such a statistic needs nothing of its rows but their sums. Resamples therefore cost one product of
counts and totals, and one multinomial draw where few rows differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.bootstrap import BootstrapDistribution
from evalsuite.statistics.points import WHY_NONE, asks_only_values
from evalsuite.statistics.units import Floats, chunks, make_units

# Column totals (draws, n_columns) to results (draws,); NaN where undefined.
TotalsStatistic: TypeAlias = Callable[[Floats], Floats]

# Drawing a multinomial cell takes about this many times as long as drawing one row.
_CELL_COST = 8


def totals_distribution(
    columns: npt.ArrayLike,
    statistic: TotalsStatistic,
    *,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    resamples: int = 2000,
) -> BootstrapDistribution:
    """Distribution of a statistic of column totals over units drawn with replacement.

    Undefined (no replicates, with a reason): fewer than two units, or values that are not finite.
    Reference: Koehn 2004, EMNLP (bootstrap of BLEU).

    Args:
        columns: Additive statistics of each row, (n, n_columns).
        statistic: Maps totals (draws, n_columns) to (draws,).
        rng: Source of randomness.
        clusters: Label of the cluster of each row, (n,); clusters are drawn whole.
        resamples: Number of resamples.
    """
    rows = np.asarray(columns, dtype=float)
    units = make_units(len(rows), clusters)
    observed = float(statistic(rows.sum(axis=0, keepdims=True))[0])
    reason = None
    if asks_only_values():
        reason = WHY_NONE
    elif len(units) < 2:
        reason = f"fewer than two units to resample (n = {len(units)})"
    elif not np.isfinite(rows).all():
        reason = "not all values are finite"
    if reason is not None:
        return BootstrapDistribution(observed, np.empty(0), np.empty(0), len(units), reason)
    sums = rows if clusters is None else units.sums(rows)
    replicates = np.empty(resamples)
    distinct, multiplicity = np.unique(sums, axis=0, return_counts=True)
    for draws in chunks(resamples, min(len(sums), _CELL_COST * len(distinct))):
        height = draws.stop - draws.start
        if _CELL_COST * len(distinct) < len(sums):
            counts = rng.multinomial(len(sums), multiplicity / len(sums), size=height)
            totals = counts @ distinct
        else:
            totals = _row_counts(len(sums), height, rng) @ sums
        replicates[draws] = statistic(totals)
    return BootstrapDistribution(observed, replicates, np.empty(0), len(units))


def _row_counts(n_rows: int, draws: int, rng: np.random.Generator) -> Floats:
    """How often each of ``n_rows`` is drawn, (draws, n_rows)."""
    drawn = rng.integers(0, n_rows, size=(draws, n_rows))
    drawn += n_rows * np.arange(draws)[:, None]
    tally = np.bincount(drawn.ravel(), minlength=draws * n_rows)
    return tally.reshape(draws, n_rows).astype(float)
