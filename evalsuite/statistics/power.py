"""How small a difference can be found, and how many samples it takes."""

from __future__ import annotations

import math

from scipy.special import ndtri

POWER = 0.8


def minimum_detectable(
    standard_error: float, *, alpha: float = 0.05, power: float = POWER
) -> float:
    """The smallest true difference that a two-sided test finds with this power.

    Formula: (z₁₋α/₂ + z_power)·SE, SE the standard error of the difference at the size at hand.
    Undefined: the standard error is.
    Reference: Bloom 1995, Evaluation Review 19.
    """
    return float((ndtri(1 - alpha / 2) + ndtri(power)) * standard_error)


def units_needed(
    difference: float,
    standard_error: float,
    n_units: int,
    *,
    alpha: float = 0.05,
    power: float = POWER,
) -> float:
    """Units at which a true difference of this size is found with this power; a whole number.

    Formula: n·(minimum detectable / difference)², as a standard error shrinks with √n.
    Undefined: no difference or no standard error (NaN).
    """
    if math.isnan(standard_error) or math.isnan(difference) or difference == 0:
        return math.nan
    detectable = minimum_detectable(standard_error, alpha=alpha, power=power)
    return float(max(2, math.ceil(n_units * (detectable / difference) ** 2)))
