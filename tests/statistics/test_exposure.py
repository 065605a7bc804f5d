from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.statistics.exposure import (
    exposure,
    extrapolated_exposure,
    interpolated_exposure,
    null_exposure,
)

REFERENCES = np.arange(10, 26)  # 16 of them, so that the cap is 4 bits


@pytest.mark.parametrize(
    ("perplexity", "bits"),
    [
        (5, 4.0),  # first: log2 16 - log2 1
        (12.5, 2.0),  # behind 10, 11, 12: 4 - log2 4
        (30, -0.087463),  # behind all: 4 - log2 17
        (10, 3.0),  # a tie counts as ahead: 4 - log2 2
    ],
)
def test_exposure_of_hand_counted_ranks(perplexity, bits) -> None:
    assert interpolated_exposure([perplexity], REFERENCES)[0] == pytest.approx(bits, abs=1e-6)


def test_exposures_stay_in_the_order_asked() -> None:
    bits = interpolated_exposure([30, 5, 12.5], REFERENCES)
    assert bits == pytest.approx([-0.087463, 4.0, 2.0], abs=1e-6)


def test_null_of_sixteen_candidates() -> None:
    # 4 - log2(16!)/16; held out of the references there is a seventeenth rank.
    assert null_exposure(16) == pytest.approx(1.234366, abs=1e-6)
    ranks = np.arange(1, 18)
    assert null_exposure(16, is_held_out=True) == pytest.approx(exposure(ranks, 16).mean())


def test_null_tends_to_log2_e() -> None:
    assert null_exposure(10**7) == pytest.approx(math.log2(math.e), abs=1e-4)


def test_held_out_null_is_the_mean_over_unseen_secrets() -> None:
    rng = np.random.default_rng(0)
    bits = [interpolated_exposure(rng.random(1), rng.random(50))[0] for _ in range(4000)]
    assert np.mean(bits) == pytest.approx(null_exposure(50, is_held_out=True), abs=0.08)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=50), st.floats(1, 100))
def test_exposure_matches_the_definition(references, perplexity) -> None:
    rank = 1 + sum(reference <= perplexity for reference in references)
    expected = math.log2(len(references)) - math.log2(rank)
    assert interpolated_exposure([perplexity], references)[0] == pytest.approx(expected)


def test_exposure_is_undefined_without_references_or_perplexity() -> None:
    assert np.isnan(interpolated_exposure([5.0], [])).all()
    assert np.isnan(interpolated_exposure([math.nan], REFERENCES)).all()
    assert math.isnan(null_exposure(0))


def test_impossible_ranks_and_references_are_refused() -> None:
    with pytest.raises(ValueError, match="start at 1"):
        exposure([0], 16)
    with pytest.raises(ValueError, match="NaN"):
        interpolated_exposure([5.0], [1.0, math.nan])


def test_ties_in_the_middle_are_half_ahead() -> None:
    # One tie: rank 1.5 of 16. All sixteen tied: rank 1 + 16/2 = 9.
    bits = interpolated_exposure([10], REFERENCES, ties="middle")
    assert bits[0] == pytest.approx(4 - math.log2(1.5))
    assert interpolated_exposure([1], np.ones(16), ties="middle")[0] == pytest.approx(
        4 - np.log2(9)
    )


def test_a_normal_tail_is_extrapolated_beyond_the_cap() -> None:
    # A skew-normal without skew is a normal: ppl 5 deviations below is -log2 F(-5) = 21.7 bits.
    references = np.random.default_rng(1).normal(100, 10, 2000)
    far, median = extrapolated_exposure([50, 100], references)
    assert far == pytest.approx(21.7, abs=3.5)
    assert far > math.log2(2000)
    assert median == pytest.approx(1.0, abs=0.1)


def test_the_worked_extrapolation_comes_out() -> None:
    # 2,000 references of mean 50 and deviation 5; planted five deviations below, unseen at the mean.
    references = np.random.default_rng(0).normal(50, 5, 2000)
    bits = extrapolated_exposure([25, 50], references)
    assert bits == pytest.approx([19.903347, 0.978524], abs=1e-6)


def test_unseen_secrets_have_log2_e_bits_by_extrapolation_too() -> None:
    rng = np.random.default_rng(2)
    references, unseen = rng.gumbel(size=2000), rng.gumbel(size=2000)
    assert extrapolated_exposure(unseen, references).mean() == pytest.approx(1.4427, abs=0.12)


def test_nothing_is_extrapolated_from_few_or_equal_references() -> None:
    assert np.isnan(extrapolated_exposure([5.0], [1.0, 2.0])).all()
    assert np.isnan(extrapolated_exposure([5.0], np.ones(50))).all()
