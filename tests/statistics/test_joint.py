"""Two measurements of the same samples, by any statistic of sums."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite.statistics import paired_comparison, paired_totals_comparison
from evalsuite.statistics.units import flipped_sums


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ratio(totals):
    return totals[:, 0] / totals[:, 1]


def with_ones(values):
    return np.stack([values, np.ones(len(values))], axis=1)


def test_a_mean_is_compared_as_the_plain_way_compares_it():
    first = rng(1).normal(size=80)
    second = first + rng(2).normal(0.3, 1.0, size=80)
    sums = paired_totals_comparison(
        with_ones(first), with_ones(second), ratio, rng=rng(), resamples=20_000, permutations=20_000
    )
    plain = paired_comparison(
        first, second, rng=rng(), method="expanded", resamples=20_000, permutations=20_000
    )
    assert sums.difference == pytest.approx(plain.difference)
    assert (sums.interval.low, sums.interval.high) == pytest.approx(
        (plain.interval.low, plain.interval.high), abs=0.02
    )
    assert sums.p_value == pytest.approx(plain.p_value, abs=0.01)
    assert sums.standard_error == pytest.approx(plain.standard_error, rel=0.03)


def test_three_pairs_have_eight_swaps():
    # words wrong 1, 2, 3 of 10 each against 0, 0, 0: only no swap and all swaps are as extreme
    wrong = np.array([[1, 10], [2, 10], [3, 10]])
    right = np.array([[0, 10], [0, 10], [0, 10]])
    found = paired_totals_comparison(wrong, right, ratio, rng=rng())
    assert found.difference == pytest.approx(0.2)
    assert found.p_value == 2 / 8


def test_clusters_are_swapped_whole():
    # two speakers: +.1, −.1 and twice 0, of which two are as extreme
    wrong = np.array([[1, 10]] * 10)
    right = np.array([[0, 10]] * 10)
    found = paired_totals_comparison(wrong, right, ratio, rng=rng(), clusters=["a", "b"] * 5)
    assert (found.n_units, found.p_value) == (2, 0.5)


def test_swapping_the_two_changes_the_sign_only():
    first, second = rng(1).poisson(3, (60, 2)) + 1, rng(2).poisson(3, (60, 2)) + 1
    one = paired_totals_comparison(first, second, ratio, rng=rng())
    other = paired_totals_comparison(second, first, ratio, rng=rng())
    assert one.difference == -other.difference
    assert one.p_value == pytest.approx(other.p_value, abs=0.02)
    assert one.interval.low == pytest.approx(-other.interval.high, abs=0.02)


def test_undefined_says_why():
    nothing = paired_totals_comparison(np.zeros((5, 2)), np.ones((5, 2)), guarded, rng=rng())
    assert "no value" in str(nothing.reason)
    alone = paired_totals_comparison(np.ones((1, 2)), np.ones((1, 2)), ratio, rng=rng())
    assert "fewer than two" in str(alone.reason)
    empty = paired_totals_comparison(np.ones((0, 2)), np.ones((0, 2)), guarded, rng=rng())
    assert np.isnan(empty.p_value)


def guarded(totals):
    return np.where(
        totals[:, 1] == 0, np.nan, totals[:, 0] / np.where(totals[:, 1] == 0, 1, totals[:, 1])
    )


@pytest.mark.parametrize("values", [np.arange(1000.0), np.arange(1000.0) % 3], ids=["many", "few"])
def test_tossed_sums_have_the_law_of_coins(values):
    # mean Σv/2 and variance Σv²/4, whether units are tossed one by one or counted by value
    sums = flipped_sums(values[:, None], 20_000, rng())[:, 0]
    assert sums.mean() == pytest.approx(values.sum() / 2, rel=0.01)
    assert sums.std() == pytest.approx(np.sqrt((values**2).sum() / 4), rel=0.02)
