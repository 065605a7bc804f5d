"""Where the spread of repeated measurements comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from evalsuite.statistics.interval import Interval

METHOD = "two-way random effects, ANOVA"


@dataclass(frozen=True, slots=True)
class TwoWayComponents:
    """Variance of values xᵢⱼ = μ + rowᵢ + columnⱼ + residualᵢⱼ, none of them below 0.

    Attributes:
        mean: The grand mean.
        between_rows: Variance of the row effects, e.g. of seeds.
        between_columns: Variance of the column effects, e.g. of samples.
        residual: Variance of what is left.
        interval: Of μ, over rows and columns drawn anew.
        reason: Why there are none; None when there are.
    """

    mean: float
    between_rows: float
    between_columns: float
    residual: float
    interval: Interval
    reason: str | None = None


def two_way_components(values: npt.ArrayLike, level: float = 0.95) -> TwoWayComponents:
    """Variance components of a complete table of rows and columns, one value in each cell.

    Formula: with r rows, c columns and the mean squares M of rows, columns and residual,
    σ²_rows = (M_r − M_e)/c, σ²_columns = (M_c − M_e)/r, σ² = M_e, those below 0 set to 0; these
    are the REML estimates where none is. The interval is t with SE² = (M_r + M_c − M_e)/(r·c) and
    Satterthwaite's degrees of freedom.
    Undefined: fewer than two rows or columns, or a value that is not finite.
    Reference: Searle, Casella & McCulloch 1992, Variance Components, chapter 4; Satterthwaite
    1946, Biometrics Bulletin 2.

    Args:
        values: Shape (rows, columns).
        level: Nominal coverage of the interval.
    """
    table = np.asarray(values, dtype=float)
    n_rows, n_columns = table.shape
    if min(n_rows, n_columns) < 2 or not np.isfinite(table).all():
        few = min(n_rows, n_columns) < 2
        return _nothing("fewer than two rows or columns" if few else "a value is missing", level)
    mean = float(table.mean())
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    left = table - rows[:, None] - columns[None, :] + mean
    of_rows = n_columns * float(np.sum((rows - mean) ** 2)) / (n_rows - 1)
    of_columns = n_rows * float(np.sum((columns - mean) ** 2)) / (n_columns - 1)
    of_rest = float(np.sum(left**2)) / ((n_rows - 1) * (n_columns - 1))
    return TwoWayComponents(
        mean=mean,
        between_rows=max(0.0, (of_rows - of_rest) / n_columns),
        between_columns=max(0.0, (of_columns - of_rest) / n_rows),
        residual=of_rest,
        interval=_interval(mean, (of_rows, of_columns, of_rest), table.shape, level),
    )


def _interval(
    mean: float, squares: tuple[float, float, float], shape: tuple[int, ...], level: float
) -> Interval:
    of_rows, of_columns, of_rest = squares
    n_rows, n_columns = shape
    # Never less than what columns alone explain: a negative row component counts as 0.
    total = max(of_rows - of_rest, 0.0) + of_columns
    if total == 0:
        return Interval(mean, mean, level, METHOD)
    freedom = total**2 / (
        (of_rows**2 / (n_rows - 1) if of_rows > of_rest else 0.0)
        + of_columns**2 / (n_columns - 1)
        + (of_rest**2 / ((n_rows - 1) * (n_columns - 1)) if of_rows > of_rest else 0.0)
    )
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(total / (n_rows * n_columns))
    return Interval(mean - half, mean + half, level, METHOD)


def _nothing(reason: str, level: float) -> TwoWayComponents:
    nan = math.nan
    nothing = Interval.undefined(reason, level=level, method=METHOD)
    return TwoWayComponents(nan, nan, nan, nan, nothing, reason)
