"""Correlations against scipy, on the data and on resamples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from evalsuite import Table
from evalsuite_text.metrics.correlation import Pearson, Spearman


def table(x, y) -> Table:
    return Table.from_records([{"similarity": a, "score": b} for a, b in zip(x, y)])


@pytest.mark.parametrize("seed", range(3))
def test_points_and_resamples_are_scipys(seed) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 8, 50).astype(float)  # with ties
    y = x + rng.normal(0, 3, 50).round()
    values = np.stack([x, y], axis=1)
    drawn = rng.integers(0, 50, size=(20, 50))
    counts = np.stack([np.bincount(row, minlength=50) for row in drawn]).astype(float)
    for metric, function in ((Pearson(), stats.pearsonr), (Spearman(), stats.spearmanr)):
        point = metric.estimate(table(x, y), np.random.default_rng(0))[0]
        assert point.value == pytest.approx(function(x, y).statistic, abs=1e-12)
        assert point.low < point.value < point.high
        expected = [function(x[row], y[row]).statistic for row in drawn]
        assert metric._score(values, counts) == pytest.approx(expected, abs=1e-9)


def test_undefined_with_a_reason() -> None:
    rng = np.random.default_rng(0)
    constant = Spearman().estimate(table([1, 1, 1, 1], [1, 2, 3, 4]), rng)[0]
    assert math.isnan(constant.value)
    assert "similarity does not vary" in constant.reason
    few = Pearson().estimate(table([1, 2, None], [1, 2, 3]), rng)[0]
    assert math.isnan(few.value)
    assert "fewer than three" in few.reason


def test_unrelated_numbers_stay_at_the_null() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 200))
    for metric in (Pearson(), Spearman()):
        assert metric.estimate(table(x, y), rng)[0].verdict == "compatible with null"
        assert metric.estimate(table(x, x + y), rng)[0].verdict == "differs from null"
