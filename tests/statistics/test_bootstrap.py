from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.statistics.bootstrap import (
    bootstrap_distribution,
    bootstrap_interval,
    by_repetition,
    ratio_distribution,
    ratio_interval,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def weighted_mean(values, counts):
    return counts @ values / counts.sum(axis=1)


def coverage(make_interval, truth: float, studies: int) -> float:
    return float(np.mean([make_interval(rng(seed)).contains(truth) for seed in range(studies)]))


def test_replicates_of_three_values_have_the_enumerated_distribution() -> None:
    # All 27 resamples of (0, 1, 5) are equally likely; compare mean and variance of their means.
    everything = [np.mean(draw) for draw in itertools.product((0, 1, 5), repeat=3)]
    distribution = bootstrap_distribution([0, 1, 5], rng=rng(), resamples=40_000)
    assert set(np.round(distribution.replicates, 9)) == set(np.round(everything, 9))
    assert distribution.replicates.mean() == pytest.approx(2.0, abs=0.03)
    assert distribution.replicates.var() == pytest.approx(np.var(everything), rel=0.03)


@pytest.mark.parametrize("method", ["percentile", "basic", "bca", "expanded"])
def test_fast_mean_and_the_same_mean_as_a_callable_agree(method) -> None:
    values = rng().exponential(size=80)
    fast = bootstrap_interval(values, rng=rng(), method=method, resamples=8000)
    slow = bootstrap_interval(values, weighted_mean, rng=rng(1), method=method, resamples=8000)
    assert fast.low == pytest.approx(slow.low, abs=0.02)
    assert fast.high == pytest.approx(slow.high, abs=0.02)


def test_repeating_rows_gives_what_counts_give() -> None:
    values = rng().normal(size=30)
    by_counts = bootstrap_distribution(values, weighted_mean, rng=rng(), resamples=50)
    by_rows = bootstrap_distribution(values, by_repetition(np.mean), rng=rng(), resamples=50)
    np.testing.assert_allclose(by_counts.replicates, by_rows.replicates)


def test_few_distinct_values_follow_the_same_law_as_many() -> None:
    # Rounded values take the counting path; an imperceptible jitter forces the drawing path.
    values = rng().integers(0, 5, size=500).astype(float)
    jitter = values + rng(1).normal(scale=1e-9, size=500)
    counted = bootstrap_distribution(values, rng=rng(), resamples=20_000)
    drawn = bootstrap_distribution(jitter, rng=rng(), resamples=20_000)
    assert counted.standard_error == pytest.approx(drawn.standard_error, rel=0.03)
    assert counted.standard_error == pytest.approx(values.std() / math.sqrt(500), rel=0.03)


def test_a_ratio_is_that_of_sums_and_not_the_mean_of_ratios() -> None:
    # 1 error in 4 words and 3 in 6: 4/10, whereas the mean of 1/4 and 1/2 is 3/8.
    assert ratio_distribution([1, 3], [4, 6], rng=rng()).observed == 0.4


def test_weights_make_a_weighted_mean() -> None:
    # (1·1 + 3·5) / 4 = 4
    distribution = bootstrap_distribution([1.0, 5.0], weights=[1, 3], rng=rng())
    assert distribution.observed == 4.0


def test_clusters_of_copies_count_once() -> None:
    values = rng().normal(size=50)
    once = bootstrap_distribution(values, rng=rng(), resamples=4000)
    copied = bootstrap_distribution(
        np.repeat(values, 20), clusters=np.repeat(np.arange(50), 20), rng=rng(), resamples=4000
    )
    naive = bootstrap_distribution(np.repeat(values, 20), rng=rng(), resamples=4000)
    assert copied.n_units == 50
    assert copied.standard_error == pytest.approx(once.standard_error, rel=0.05)
    assert naive.standard_error < 0.3 * once.standard_error


def test_strata_take_out_the_variance_between_them() -> None:
    strata = np.repeat(["low", "high"], 50)
    values = np.where(strata == "high", 100.0, 0.0) + rng().normal(size=100)
    stratified = bootstrap_distribution(values, strata=strata, rng=rng())
    by_callable = bootstrap_distribution(values, weighted_mean, strata=strata, rng=rng())
    assert stratified.standard_error < 0.2
    assert by_callable.standard_error == pytest.approx(stratified.standard_error, rel=0.15)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30), st.floats(-50, 50))
def test_shifting_values_shifts_the_interval(values, shift) -> None:
    here = bootstrap_interval(values, rng=rng(), resamples=100)
    there = bootstrap_interval(np.add(values, shift), rng=rng(), resamples=100)
    assert min(values) - 1e-9 <= here.low <= here.high <= max(values) + 1e-9
    if len({*values}) == len({*np.add(values, shift)}):
        assert there.low == pytest.approx(here.low + shift, abs=1e-6)


def test_basic_mirrors_percentile_about_the_observed_value() -> None:
    distribution = bootstrap_distribution(rng().exponential(size=40), rng=rng())
    percentile, basic = distribution.interval(), distribution.interval(method="basic")
    assert basic.low == pytest.approx(2 * distribution.observed - percentile.high)


def test_bca_moves_towards_the_long_tail() -> None:
    values = rng().exponential(size=40)
    percentile = bootstrap_interval(values, rng=rng())
    corrected = bootstrap_interval(values, rng=rng(), method="bca")
    assert corrected.low > percentile.low
    assert corrected.high > percentile.high


def test_bca_without_jackknife_is_refused() -> None:
    with pytest.raises(ValueError, match="jackknife"):
        bootstrap_distribution([1.0, 2.0, 3.0], rng=rng()).interval(method="bca")


@pytest.mark.parametrize("statistic", ["mean", weighted_mean])
def test_fewer_than_two_units_have_no_interval(statistic) -> None:
    one_row = bootstrap_interval([1.0], statistic, rng=rng())
    one_cluster = bootstrap_interval([1.0, 2.0], statistic, rng=rng(), clusters=["a", "a"])
    nothing = bootstrap_interval(np.empty(0), statistic, rng=rng())
    for interval in (one_row, one_cluster, nothing):
        assert math.isnan(interval.low)
        assert "two units" in (interval.reason or "")


def test_values_that_are_not_finite_are_never_dropped_silently() -> None:
    interval = bootstrap_interval([1.0, math.nan, 2.0], rng=rng())
    assert interval.reason == "not all values are finite"


def test_a_ratio_often_undefined_has_no_interval() -> None:
    # The only denominator is missing from a resample with probability (2/3)³ = 0.30.
    interval = ratio_interval([1, 0, 0], [1, 0, 0], rng=rng())
    assert math.isnan(interval.high)
    assert "undefined" in (interval.reason or "")


def test_identical_values_degenerate_as_documented() -> None:
    assert bootstrap_interval([1.0] * 9, rng=rng()).width == 0.0


@pytest.mark.parametrize(
    "facts",
    [
        {"clusters": ["a", "b"]},
        {"clusters": ["a", None, "b"]},
        {"strata": ["a", math.nan, "b"]},
        {"clusters": ["a", "a", "b"], "strata": [0, 1, 1]},
    ],
)
def test_broken_clusters_and_strata_are_refused(facts) -> None:
    with pytest.raises(ValueError):
        bootstrap_interval([1.0, 2.0, 3.0], rng=rng(), **facts)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = rng().normal(size=200)
    assert bootstrap_interval(values, rng=rng(5)) == bootstrap_interval(values, rng=rng(5))


def test_coverage_of_the_mean() -> None:
    def study(generator):
        return bootstrap_interval(generator.normal(size=100), rng=generator, resamples=500)

    assert 0.93 <= coverage(study, 0.0, 1000) <= 0.97


def test_coverage_of_a_ratio() -> None:
    def study(generator):
        words = generator.integers(3, 20, size=150)
        errors = generator.binomial(words, 0.2)
        return ratio_interval(errors, words, rng=generator, resamples=400)

    assert 0.93 <= coverage(study, 0.2, 1500) <= 0.97


def test_coverage_of_the_mean_of_clusters() -> None:
    # 80 speakers with an effect as large as the noise; drawing rows would cover about 0.70.
    speakers = np.repeat(np.arange(80), 6)

    def study(generator):
        values = generator.normal(size=80)[speakers] + generator.normal(size=480)
        return bootstrap_interval(values, clusters=speakers, rng=generator, resamples=500)

    assert 0.93 <= coverage(study, 0.0, 1000) <= 0.97


def test_expanded_intervals_cover_with_ten_units_where_percentile_ones_do_not() -> None:
    def study(method):
        return lambda generator: bootstrap_interval(
            generator.normal(size=10), rng=generator, resamples=500, method=method
        )

    assert coverage(study("percentile"), 0.0, 1000) < 0.925
    assert 0.93 <= coverage(study("expanded"), 0.0, 1000) <= 0.97
