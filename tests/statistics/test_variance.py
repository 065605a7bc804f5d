"""Variance components of seeds and samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite.statistics import two_way_components


def test_components_of_two_by_three_by_hand():
    # rows (1, 2, 6) and (3, 4, 8): means 3 and 5, columns 2, 3, 7, grand 4, no residual.
    # M_rows = 3·(1 + 1)/1 = 6, M_columns = 2·(4 + 1 + 9)/2 = 14, M_rest = 0
    found = two_way_components([[1, 2, 6], [3, 4, 8]])
    assert (found.mean, found.residual) == (4.0, pytest.approx(0.0))
    assert found.between_rows == pytest.approx(6 / 3)
    assert found.between_columns == pytest.approx(14 / 2)
    # SE² = (6 + 14)/6, freedom = 20² / (6²/1 + 14²/2) = 2.985
    half = found.interval.high - 4.0
    assert half == pytest.approx(3.1884 * math.sqrt(20 / 6), rel=1e-3)


def test_planted_components_are_recovered():
    rng = np.random.default_rng(0)
    seeds, samples = rng.normal(0, 0.5, (40, 1)), rng.normal(0, 2.0, (1, 400))
    found = two_way_components(1 + seeds + samples + rng.normal(0, 1.0, (40, 400)))
    assert found.between_rows == pytest.approx(0.25, rel=0.5)
    assert found.between_columns == pytest.approx(4.0, rel=0.2)
    assert found.residual == pytest.approx(1.0, rel=0.05)


def test_seeds_without_effect_have_none():
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(size=(1, 50)), 4, axis=0) + rng.normal(0, 0.1, (4, 50))
    assert two_way_components(values).between_rows < 0.01
    same = two_way_components(np.repeat(rng.normal(size=(1, 50)), 4, axis=0))
    assert (same.between_rows, same.residual) == (0.0, pytest.approx(0.0))


def test_the_interval_covers_over_seeds_and_samples():
    rng, hits = np.random.default_rng(2), 0
    for _ in range(1000):
        seeds, samples = rng.normal(0, 0.4, (5, 1)), rng.normal(0, 1.0, (1, 60))
        hits += two_way_components(seeds + samples + rng.normal(0, 1.0, (5, 60))).interval.contains(
            0
        )
    assert 0.93 <= hits / 1000 <= 0.98


@pytest.mark.parametrize("values", [[[1.0, 2.0]], [[1.0], [2.0]], [[1.0, math.nan], [1.0, 2.0]]])
def test_too_little_says_why(values):
    found = two_way_components(values)
    assert found.reason
    assert math.isnan(found.mean)
