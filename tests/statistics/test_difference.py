"""Differences in closed form agree with published worked numbers and with each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from evalsuite.statistics import (
    Interval,
    newcombe_paired,
    normal_p_value,
    p_value_of,
    square_and_add,
    standard_error_of,
    wilson,
)


def test_newcombe_of_the_airway_study():
    # Fagerland, Lydersen & Laake 2014 (SiM 33), 21 children: a = 1, b = 1, c = 7, d = 12;
    # the second margin exceeds the first by 6/21; published as 0.507 and 0.026
    interval = newcombe_paired(1, 1, 7, 12)
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.026, 0.507)


def test_unrelated_proportions_are_squared_and_added():
    # Newcombe 1998, Table II, (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339
    first, second = wilson(48, 80), wilson(56, 70)
    interval = square_and_add(48 / 80, first, 56 / 70, second)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.0524, 0.3339)


def test_without_correlation_pairs_are_as_unrelated():
    # ad − bc = 25·25 − 25·25 = 0
    paired = newcombe_paired(25, 25, 25, 25)
    plain = square_and_add(0.5, wilson(50, 100), 0.5, wilson(50, 100))
    assert (paired.low, paired.high) == pytest.approx((plain.low, plain.high))


def test_agreeing_pairs_narrow_the_interval_but_never_to_nothing():
    alike, plain = newcombe_paired(80, 0, 0, 20), newcombe_paired(64, 16, 16, 4)
    assert 0 < alike.width < plain.width
    assert newcombe_paired(100, 0, 0, 0).width > 0


def test_swapping_the_two_mirrors_the_interval():
    one, other = newcombe_paired(30, 12, 5, 20), newcombe_paired(30, 5, 12, 20)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_nothing_has_no_interval():
    assert newcombe_paired(0, 0, 0, 0).reason == "no pairs"
    nothing = Interval.undefined("x")
    assert not square_and_add(0.1, nothing, 0.2, wilson(1, 5)).is_defined
    assert not square_and_add(math.nan, wilson(1, 5), 0.2, wilson(1, 5)).is_defined


@pytest.mark.parametrize("value", [0.3, -0.3])
def test_the_p_value_is_alpha_where_a_bound_touches_zero(value):
    touching = Interval(min(0.0, 2 * value), max(0.0, 2 * value), 0.95, "")
    assert p_value_of(value, touching) == pytest.approx(0.05)


def test_the_p_value_of_a_normal_interval_is_that_of_its_z():
    error = 0.1
    half = float(ndtri(0.975)) * error
    p_value = p_value_of(0.25, Interval(0.25 - half, 0.25 + half, 0.95, ""))
    assert p_value == pytest.approx(normal_p_value(0.25, error))
    assert p_value == pytest.approx(0.0124193, abs=1e-7)  # 2·Φ(−2.5)


def test_no_difference_is_certain_not_to_be_one():
    assert p_value_of(0.0, Interval(0.0, 0.0, 0.95, "")) == 1.0
    assert normal_p_value(0.0, 0.0) == 1.0
    assert math.isnan(normal_p_value(0.1, 0.0))
    assert math.isnan(p_value_of(0.1, Interval.undefined("x")))


def test_the_standard_error_is_that_of_the_interval():
    values = np.array([-1.959963984540054, 1.959963984540054])
    assert standard_error_of(Interval(*values, 0.95, "")) == pytest.approx(1.0)
