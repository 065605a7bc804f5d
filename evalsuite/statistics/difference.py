"""Differences in closed form: of two intervals, and of two paired proportions."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from evalsuite.statistics.interval import Interval, wilson

NO_PAIRS = "no pairs"


def square_and_add(
    first: float, first_interval: Interval, second: float, second_interval: Interval
) -> Interval:
    """Interval of second − first from the intervals of two independent estimates.

    Formula: with d = θ₂ − θ₁, low = d − √((θ₂ − l₂)² + (u₁ − θ₁)²) and high = d + √((u₂ − θ₂)² +
    (θ₁ − l₁)²). Wider than a paired interval where the two share their samples.
    Undefined: a value or a bound is NaN. Level: that of the first.
    Reference: Newcombe 1998, Statistics in Medicine 17, 873-890 (method 10); Zou & Donner 2008
    (SiM 27) for other estimates than proportions.
    """
    method, level = "square and add of two intervals", first_interval.level
    if math.isnan(first) or math.isnan(second):
        return Interval.undefined("a value is undefined", level=level, method=method)
    if not (first_interval.is_defined and second_interval.is_defined):
        return Interval.undefined("a value has no interval", level=level, method=method)
    difference = second - first
    below = math.hypot(second - second_interval.low, first_interval.high - first)
    above = math.hypot(second_interval.high - second, first - first_interval.low)
    return Interval(difference - below, difference + above, level, method)


def newcombe_paired(
    both: int, only_first: int, only_second: int, neither: int, level: float = 0.95
) -> Interval:
    """Interval of the difference of two proportions on the same samples, second − first.

    Formula: square and add of the two Wilson intervals with the term −2·φ·δ₁·δ₂ for the
    correlation φ of the pairs, whose numerator ad − bc is lowered by n/2 (not below 0) when
    positive. Range: [−1, 1]; it has a width even when no pair disagrees.
    Undefined: no pairs. Reference: Newcombe 1998, Statistics in Medicine 17, 2635-2650 (method 10).

    Args:
        both: Pairs a where both succeed.
        only_first: Pairs b where only the first does.
        only_second: Pairs c where only the second does.
        neither: Pairs d where neither does.
        level: Nominal coverage.
    """
    method = "Newcombe paired"
    n = both + only_first + only_second + neither
    if n == 0:
        return Interval.undefined(NO_PAIRS, level=level, method=method)
    first, second = (both + only_first) / n, (both + only_second) / n
    wilson_first = wilson(both + only_first, n, level)
    wilson_second = wilson(both + only_second, n, level)
    correlation = _correlation(both, only_first, only_second, neither)
    difference = second - first

    def half(of_first: float, of_second: float) -> float:
        square = of_first**2 - 2 * correlation * of_first * of_second + of_second**2
        return math.sqrt(max(0.0, square))

    low = difference - half(wilson_first.high - first, second - wilson_second.low)
    high = difference + half(first - wilson_first.low, wilson_second.high - second)
    return Interval(max(-1.0, low), min(1.0, high), level, method)


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """φ of a table of pairs, corrected for continuity; 0 where a margin is empty."""
    n = both + only_first + only_second + neither
    margins = (
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    if margins == 0:
        return 0.0
    product = both * neither - only_first * only_second
    if product > 0:
        product = max(product - n / 2, 0)  # type: ignore[assignment]
    return product / math.sqrt(margins)


def p_value_of(value: float, interval: Interval) -> float:
    """Two-sided p-value of zero that goes with an interval, its sides taken as normal.

    Formula: 2·Φ(−|θ|·z / w), w the distance from θ to the bound on the side of zero and z the
    normal quantile of the level: below 1 − level exactly where the interval excludes zero.
    Undefined: no interval. An interval without width says 1 at zero and 0 elsewhere.
    Reference: Altman & Bland 2011, BMJ 343 d2304.
    """
    if math.isnan(value) or not interval.is_defined:
        return math.nan
    width = value - interval.low if value > 0 else interval.high - value
    if value == 0 or width <= 0:
        return 1.0 if value == 0 else 0.0
    z = float(ndtri((1 + interval.level) / 2))
    return float(2 * ndtr(-abs(value) * z / width))


def standard_error_of(interval: Interval) -> float:
    """Half the width of an interval over the normal quantile of its level; NaN without bounds."""
    return interval.width / (2 * float(ndtri((1 + interval.level) / 2)))


def normal_p_value(value: float, standard_error: float) -> float:
    """Two-sided p-value of zero for an estimate whose error is about normal.

    Formula: 2·Φ(−|θ| / SE). Undefined: no standard error above 0, unless the value is 0 (then 1).
    """
    if value == 0:
        return 1.0
    return float(2 * ndtr(-abs(value) / standard_error)) if standard_error > 0 else math.nan
