from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalsuite.statistics.paired import mcnemar_exact, paired_comparison, sign_flip_null


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mcnemar_of_three_to_none() -> None:
    # Three fair coins all one way: 1/8, doubled.
    assert mcnemar_exact(3, 0) == pytest.approx(0.25, abs=1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_exact(first, second) == pytest.approx(expected, abs=1e-9)
    assert mcnemar_exact(first, second) == mcnemar_exact(second, first)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError):
        mcnemar_exact(-1, 2)


def test_sign_flips_are_enumerated_when_few() -> None:
    differences = np.array([1.0, 2.0, 4.0])
    null = sign_flip_null(differences, rng=rng())
    naive = [np.dot(s, differences) / 3 for s in itertools.product((1, -1), repeat=3)]
    assert sorted(null.samples) == pytest.approx(sorted(naive))
    assert null.p_value(7 / 3) == 0.25  # 2 · 1/8


def test_clusters_flip_together() -> None:
    null = sign_flip_null([1.0, 2.0, 4.0], rng=rng(), clusters=["a", "a", "b"])
    assert sorted(null.samples) == pytest.approx([-7 / 3, -1 / 3, 1 / 3, 7 / 3])


def test_random_flips_have_the_known_variance() -> None:
    differences = rng().normal(size=200)
    null = sign_flip_null(differences, rng=rng(), permutations=5000)
    assert null.sd == pytest.approx(math.sqrt((differences**2).sum()) / 200, rel=0.05)


def test_a_shift_is_found_and_its_sign_kept() -> None:
    first = rng().normal(size=60) + 1
    result = paired_comparison(first, first - 0.5 + rng(1).normal(size=60) / 10, rng=rng())
    assert result.interval.contains(0.5)
    assert result.difference == pytest.approx(0.5, abs=0.05)
    assert result.p_value < 0.01


def test_pairing_beats_noise_that_both_share() -> None:
    shared = 10 * rng().normal(size=50)
    result = paired_comparison(shared + 1, shared + rng(1).normal(size=50), rng=rng())
    assert result.interval.low > 0


def test_no_difference_is_certain_not_to_be_one() -> None:
    assert paired_comparison([1, 2, 3], [1, 2, 3], rng=rng()).p_value == 1.0


def test_no_pairs_have_no_comparison() -> None:
    result = paired_comparison([], [], rng=rng())
    assert math.isnan(result.difference)
    assert math.isnan(result.p_value)
    assert result.reason is not None
