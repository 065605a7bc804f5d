"""Bootstrap of statistics of column totals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite.statistics import generator, ratio_distribution, totals_distribution


def share(totals):
    return totals[:, 0] / np.where(totals[:, 1] > 0, totals[:, 1], np.nan)


def rows(n: int, distinct: bool) -> np.ndarray:
    rng = np.random.default_rng(n)
    hits = rng.random(n) if distinct else rng.integers(0, 2, n)
    return np.stack([hits, np.ones(n)], axis=1)


@pytest.mark.parametrize("distinct", [True, False])
def test_the_distribution_is_that_of_a_ratio(distinct) -> None:
    columns = rows(300, distinct)
    ours = totals_distribution(columns, share, rng=generator(0, "a"), resamples=4000)
    theirs = ratio_distribution(columns[:, 0], columns[:, 1], rng=generator(0, "b"), resamples=4000)
    assert ours.observed == pytest.approx(theirs.observed)
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.06)
    assert ours.interval().low == pytest.approx(theirs.interval().low, abs=0.01)


def test_clusters_are_drawn_whole() -> None:
    # two clusters of ten equal rows: a resample is all hits, half, or none
    columns = np.array([[1.0, 1.0]] * 10 + [[0.0, 1.0]] * 10)
    found = totals_distribution(
        columns, share, rng=generator(0, "c"), clusters=["a"] * 10 + ["b"] * 10, resamples=500
    )
    assert set(found.replicates) == {0.0, 0.5, 1.0}
    assert found.n_units == 2


@pytest.mark.parametrize(
    ("columns", "reason"),
    [([[1.0, 1.0]], "fewer than two units"), ([[math.nan, 1.0], [1, 1]], "not all values are")],
)
def test_no_interval_without_enough_to_resample(columns, reason) -> None:
    interval = totals_distribution(columns, share, rng=generator(0, "d")).interval()
    assert math.isnan(interval.low)
    assert reason in interval.reason


def test_a_statistic_undefined_on_many_resamples_has_no_interval() -> None:
    columns = [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]  # without the first row: 0 / 0
    interval = totals_distribution(columns, share, rng=generator(0, "e")).interval()
    assert "undefined on" in interval.reason


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = generator(0, "coverage")
    covered = 0
    for _ in range(400):
        hits = (rng.random(60) < 0.4).astype(float)
        columns = np.stack([hits, np.ones(60)], axis=1)
        covered += (
            totals_distribution(columns, share, rng=rng, resamples=400).interval().contains(0.4)
        )
    assert 0.91 <= covered / 400 <= 0.98
