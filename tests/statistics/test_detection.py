"""Equal error rate and detection cost by hand, against scikit-learn's curve, and resampled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from evalsuite.statistics import (
    by_repetition,
    dyadic_distribution,
    equal_error_rate,
    minimum_detection_cost,
    weighted_detection_cost,
    weighted_equal_error_rate,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        # others .1 .2 .6, targets .5 .7 .9: at t = .6 one of three others is accepted and one of
        # three targets rejected: 1/3
        ([0.1, 0.2, 0.6, 0.5, 0.7, 0.9], [0, 0, 0, 1, 1, 1], 1 / 3),
        # others .1 .4, targets .3 .5 .8: t > .3 gives (FAR, FRR) = (1/2, 1/3), t > .4 (0, 1/3):
        # the line between them has FRR 1/3 throughout
        ([0.1, 0.4, 0.3, 0.5, 0.8], [0, 0, 1, 1, 1], 1 / 3),
        # others 0 1, targets 1 2: t = 1 gives (1/2, 0), t > 1 (0, 1/2): the middle is (1/4, 1/4)
        ([0, 1, 1, 2], [0, 0, 1, 1], 1 / 4),
        ([1, 2, 3, 4], [0, 0, 1, 1], 0.0),
        ([1, 2, 3, 4], [1, 1, 0, 0], 1.0),
        ([3, 3, 3], [0, 1, 1], 0.5),
    ],
)
def test_the_equal_error_rate_by_hand(scores, labels, expected):
    assert equal_error_rate(scores, labels) == pytest.approx(expected, abs=1e-15)


def test_the_detection_cost_by_hand():
    # thresholds: accept all (FAR 1, FRR 0), > 0 (1/2, 0), > 1 (0, 1/2), none (0, 1)
    # p = .05: .95, .475, .025, .05 over .05: the least is .5. p = .9: .1, .05, .45, .9 over .1
    scores, labels = [0, 1, 1, 2], [0, 0, 1, 1]
    assert minimum_detection_cost(scores, labels, p_target=0.05) == pytest.approx(0.5)
    assert minimum_detection_cost(scores, labels, p_target=0.9) == pytest.approx(0.5)
    # a false alarm that costs 10 weighs 9.5: 9.5, 4.75, .025, .05, over .05
    cost = minimum_detection_cost(scores, labels, p_target=0.05, false_alarm_cost=10)
    assert cost == pytest.approx(0.5)


@pytest.mark.parametrize("p_target", [0.01, 0.05, 0.5])
def test_one_score_for_all_costs_one_and_a_separation_nothing(p_target):
    assert minimum_detection_cost([2, 2, 2], [0, 1, 0], p_target=p_target) == 1.0
    assert minimum_detection_cost([1, 2, 3], [0, 0, 1], p_target=p_target) == 0.0


def from_scikit_learn(scores, labels, p_target):
    """The crossing of its curve with the diagonal, found by bisection, and the least cost."""
    far, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    low, high = 0.0, len(far) - 1.0  # a place along the curve, between its points
    for _ in range(200):
        place = (low + high) / 2
        x = np.interp(place, np.arange(len(far)), far)
        y = np.interp(place, np.arange(len(far)), 1 - tpr)
        low, high = (place, high) if x < y else (low, place)
    cost = (p_target * (1 - tpr) + (1 - p_target) * far).min() / min(p_target, 1 - p_target)
    return x, cost


@pytest.mark.parametrize("seed", range(30))
def test_both_agree_with_scikit_learns_curve(seed):
    rng = np.random.default_rng(seed)
    labels = np.r_[0, 1, rng.random(60) < 0.3].astype(int)
    scores = rng.normal(size=62) + labels
    scores = np.round(scores, 1) if seed % 2 else scores  # with ties too
    rate, cost = from_scikit_learn(scores, labels, 0.05)
    assert equal_error_rate(scores, labels) == pytest.approx(rate, abs=1e-9)
    assert minimum_detection_cost(scores, labels, p_target=0.05) == pytest.approx(cost, abs=1e-9)


@pytest.mark.parametrize(
    "statistic", [weighted_equal_error_rate, weighted_detection_cost(0.05)], ids=["eer", "cost"]
)
def test_weights_are_repetitions(statistic):
    values = np.stack([RNG.integers(0, 9, 30), RNG.random(30) < 0.5], axis=1).astype(float)
    counts = RNG.multinomial(30, np.full(30, 1 / 30), size=40).astype(float)
    plain = by_repetition(lambda rows: float(statistic(rows, np.ones((1, len(rows))))[0]))
    assert statistic(values, counts) == pytest.approx(plain(values, counts))


def test_without_both_kinds_or_with_a_nan_they_are_undefined():
    assert math.isnan(equal_error_rate([1, 2], [1, 1]))
    assert math.isnan(equal_error_rate([1, math.nan], [1, 0]))
    assert math.isnan(equal_error_rate([], []))
    assert math.isnan(minimum_detection_cost([1, 2], [0, 0], p_target=0.01))


def test_wrong_costs_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        weighted_detection_cost(1.0)


# ------------------------------------------------------------------------------------------------
# Members of pairs
# ------------------------------------------------------------------------------------------------


def mean(values, counts):
    return (counts @ values) / counts.sum(axis=1)


def test_a_pair_occurs_as_often_as_its_members_are_drawn_together():
    # three members; the pair (a, a) occurs w_a times, (a, b) w_a w_b times. With the number of
    # draws of each, the statistic that adds up the counts says so.
    seen = []

    def note(values, counts):
        seen.append(counts)
        return counts.sum(axis=1)

    pairs = [("a", "a"), ("a", "b"), ("b", "c"), ("c", "c")]
    dyadic_distribution(
        np.zeros(4), note, *zip(*pairs), rng=np.random.default_rng(0), resamples=500
    )
    counts = np.concatenate(seen[1:])
    a, c = counts[:, 0], counts[:, 3]
    b = 3 - a - c
    assert (counts[:, 1] == a * b).all()
    assert (counts[:, 2] == b * c).all()
    assert a.mean() == pytest.approx(1, abs=0.15)


def test_the_interval_is_wider_than_that_of_trials_alone():
    # 12 speakers with an effect each, all 66 pairs: trials are far from independent
    rng = np.random.default_rng(1)
    effect = rng.normal(size=12)
    one, other = np.triu_indices(12, 1)
    values = effect[one] + effect[other]
    found = dyadic_distribution(values, mean, one, other, rng=rng)
    naive = values.std() / np.sqrt(len(values))
    assert found.standard_error > 2 * naive


def test_two_members_are_too_few():
    found = dyadic_distribution([1.0, 2.0], mean, ["a", "a"], ["a", "b"], rng=RNG)
    assert found.observed == 1.5
    assert "fewer than three" in found.interval().reason
