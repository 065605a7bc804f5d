from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from evalsuite.statistics.interval import Interval, clopper_pearson, wilson

counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_clopper_pearson_of_no_success_is_the_rule_of_three_made_exact() -> None:
    # (1 - high)^10 = 0.025, so high = 1 - 0.025^(1/10)
    interval = clopper_pearson(0, 10)
    assert interval.low == 0.0
    assert interval.high == pytest.approx(1 - 0.025**0.1, abs=1e-12)


def test_wilson_of_half_by_hand() -> None:
    # p = 1/2, n = 4, z = 1.959964: centre 1/2, half z·sqrt(1/16 + z²/64)/(1 + z²/4)
    z = 1.959963984540054
    half = z * math.sqrt(1 / 16 + z**2 / 64) / (1 + z**2 / 4)
    assert wilson(2, 4).high == pytest.approx(0.5 + half, abs=1e-12)


@given(counts)
def test_both_agree_with_scipy(count: tuple[int, int]) -> None:
    successes, n = count
    test = binomtest(successes, n)
    for ours, name in ((clopper_pearson, "exact"), (wilson, "wilson")):
        theirs = test.proportion_ci(0.9, name)
        assert ours(successes, n, 0.9).low == pytest.approx(theirs.low, abs=1e-9)
        assert ours(successes, n, 0.9).high == pytest.approx(theirs.high, abs=1e-9)


@given(counts)
def test_swapping_success_and_failure_mirrors_the_interval(count: tuple[int, int]) -> None:
    successes, n = count
    for make in (clopper_pearson, wilson):
        assert make(n - successes, n).low == pytest.approx(1 - make(successes, n).high, abs=1e-9)
        assert make(successes, n).contains(successes / n)


@pytest.mark.parametrize("make", [clopper_pearson, wilson])
def test_no_trials_have_no_interval(make) -> None:
    interval = make(0, 0)
    assert math.isnan(interval.low)
    assert interval.reason == "no trials"
    assert not interval.is_defined
    assert not interval.contains(0.5)


@pytest.mark.parametrize(("successes", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 95)])
def test_impossible_arguments_are_refused(successes, n, level) -> None:
    with pytest.raises(ValueError):
        clopper_pearson(successes, n, level)


@pytest.mark.parametrize("n", [5, 20, 100])
def test_clopper_pearson_covers_at_least_its_level_everywhere(n) -> None:
    # Exact coverage: sum of binomial probabilities of the counts whose interval holds p.
    intervals = [clopper_pearson(k, n) for k in range(n + 1)]
    for p in np.linspace(0.01, 0.99, 99):
        covered = np.array([interval.contains(p) for interval in intervals])
        assert binom.pmf(np.arange(n + 1), n, p) @ covered >= 0.95


def test_undefined_carries_its_level_and_method() -> None:
    interval = Interval.undefined("why", level=0.8, method="how")
    assert (interval.level, interval.method, interval.reason) == (0.8, "how", "why")
