"""CKA: 1 for the same vectors turned or scaled, about 0 for noise; copies are no other rows."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from evalsuite_representation.cka import (
    _unweighted_hsic,
    compare_representations,
    debiased_cka,
    gram,
    hsic,
    linear_cka,
    mutual_neighbours,
)


def pair(seed: int, n: int = 60, d: int = 256):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n, d))


def test_independent_noise_is_nothing_once_the_bias_is_removed():
    # The biased one expects E|Y'X|^2 / (E|X'X| E|Y'Y|) = d / (d + n) = 256 / 316 = 0.810 and varies
    # by 0.0055 from draw to draw (a published draw: 0.807); the debiased one varies by 0.024.
    found = [(linear_cka(*pair(s)), debiased_cka(*pair(s))[0]) for s in range(100)]
    biased, debiased = np.mean(found, axis=0)
    assert biased == pytest.approx(0.810, abs=0.003)
    assert debiased == pytest.approx(0, abs=0.008)


def test_turned_scaled_and_shifted_vectors_are_the_same():
    x = pair(0, 40, 8)[0]
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    for other in (x @ turn, 7.5 * x, x + 3.0, 0.01 * x @ turn - 1):
        assert linear_cka(x, other) == pytest.approx(1)
        assert debiased_cka(x, other)[0] == pytest.approx(1)
    y = pair(0, 40, 8)[1]
    assert debiased_cka(x, 1e-4 * y) == pytest.approx(debiased_cka(x, y))


def test_biased_cka_by_its_definition():
    # centred x = (-1, 0, 1), y = (-1, 1, 0): (x.y)^2 / (|x|^2 |y|^2) = 1 / 4
    assert linear_cka(np.array([[1.0], [2], [3]]), np.array([[0.0], [2], [1]])) == pytest.approx(
        0.25
    )


def test_resampled_rows_weigh_as_often_as_drawn_and_never_meet_their_copies():
    x, y = pair(2, 6, 3)
    k, m = gram(x), gram(y)
    w = np.array([2.0, 0, 1, 3, 1, 1])
    two = four = three = 0.0
    weights = np.zeros(3)
    for i, j in permutations(range(6), 2):
        two += w[i] * w[j] * k[i, j] * m[i, j]
        weights[0] += w[i] * w[j]
    for i, j, q in permutations(range(6), 3):
        three += w[i] * w[j] * w[q] * k[i, j] * m[i, q]
        weights[1] += w[i] * w[j] * w[q]
    for i, j, q, r in permutations(range(6), 4):
        four += w[i] * w[j] * w[q] * w[r] * k[i, j] * m[q, r]
        weights[2] += w[i] * w[j] * w[q] * w[r]
    expected = two / weights[0] + four / weights[2] - 2 * three / weights[1]
    assert hsic(k, m, w[None, :])[0] == pytest.approx(expected)


def test_counts_of_one_are_the_closed_form_of_song():
    x, y = pair(3, 9, 4)
    k, m = gram(x), gram(y)
    closed = _unweighted_hsic(np.sum(k * m), k.sum(axis=1), m.sum(axis=1))
    assert hsic(k, m, np.ones((1, 9)))[0] == pytest.approx(closed)


def test_equal_vectors_have_no_cka_and_common_neighbours_by_chance():
    x, y = np.full((30, 4), 0.5), pair(0, 30, 4)[1]
    assert math.isnan(linear_cka(x, y))
    assert math.isnan(debiased_cka(x, y)[0])
    assert mutual_neighbours(x, y, 5) == pytest.approx(5 / 29)
    assert mutual_neighbours(x, x, 5) == pytest.approx(5 / 29)


def test_common_neighbours_by_hand():
    # on a circle: x at 0, 10, 30, 60 degrees has the nearest 1 0 1 2; y moves the last to 5
    # degrees, between the first two: 3 and 1 tie for 0, 3 0 tie for 1, 1 for 2, and 0 1 for 3
    def circle(*degrees):
        return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)

    x, y = circle(0, 10, 30, 60), circle(0, 10, 30, 5)
    assert mutual_neighbours(x, x, 1).tolist() == [1, 1, 1, 1]
    # y: the nearest are 3, 3, 1, and 0 or 1 by lot
    assert mutual_neighbours(x, y, 1).tolist() == [0, 0, 1, 0]
    assert np.isnan(mutual_neighbours(x, y, 3)).all()


def test_noise_is_seldom_taken_for_likeness_and_likeness_is_found():
    outside = 0
    for seed in range(20):
        found = compare_representations(
            *pair(seed, 50, 16), rng=np.random.default_rng(seed), resamples=200, permutations=100
        )
        outside += found.debiased.interval().low > found.debiased_null.mean
        assert abs(found.debiased_null.mean) < 0.02
        assert found.overlap.mean() == pytest.approx(found.chance, abs=0.06)
    assert outside <= 2
    x, y = pair(0, 80, 16)
    alike = compare_representations(x, x + 0.7 * y, rng=np.random.default_rng(0), resamples=200)
    interval = alike.debiased.interval()
    assert interval.low < alike.debiased.observed < interval.high
    assert interval.low > alike.debiased_null.quantiles().high
    assert alike.debiased_null.p_value(alike.debiased.observed, "greater") < 0.01
