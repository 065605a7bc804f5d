"""Votes with lots: exact expectations, checked by going through all draws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from evalsuite_representation.votes import expected_credit


def by_enumeration(fixed, tied, weight, places, target):
    voters = [c for c, n in enumerate(tied) for _ in range(n)]
    worth = []
    for drawn in combinations(range(len(voters)), places):
        scores = np.array(fixed, dtype=float)
        for index in drawn:
            scores[voters[index]] += weight
        best = np.flatnonzero(np.isclose(scores, scores.max()))
        worth.append(1 / len(best) if target in best else 0.0)
    return np.mean(worth)


@pytest.mark.parametrize("seed", range(12))
def test_the_expectation_is_the_mean_over_all_draws(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 5))
    tied, fixed = rng.integers(0, 4, n), rng.integers(0, 3, n) / 2
    tied[0] += 1
    places = int(rng.integers(1, tied.sum() + 1))
    found = [expected_credit(fixed, tied, 0.5, places, c) for c in range(n)]
    assert found == pytest.approx([by_enumeration(fixed, tied, 0.5, places, c) for c in range(n)])
    assert sum(found) == pytest.approx(1)


def test_equal_classes_have_equal_chances():
    assert expected_credit(np.zeros(10), [100] * 10, 1.0, 20, 3) == pytest.approx(0.1, abs=1e-9)
    assert expected_credit(np.zeros(1000), [50] * 1000, 1.0, 20, 0) == pytest.approx(1e-3, abs=1e-9)


def test_large_counts_stay_within_range():
    # 60 % of very many: 200 votes go that way but for a chance of about 2e-3 (binomial, ties half)
    from scipy.stats import binom

    found = expected_credit([0.0, 0.0], [600_000, 400_000], 1.0, 200, 0)
    assert found == pytest.approx(binom.sf(100, 200, 0.6) + binom.pmf(100, 200, 0.6) / 2, abs=1e-4)


def test_without_lots_the_highest_score_decides():
    assert expected_credit([1.0, 0.5], [0, 1], 0.5, 1, 0) == 0.5
    assert expected_credit([1.0, 0.5], [0, 0], 0.5, 0, 0) == 1.0
    assert expected_credit([1.0, 0.5], [0, 0], 0.5, 0, 1) == 0.0
