from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from evalsuite.statistics.interval import clopper_pearson
from evalsuite.statistics.ranking import (
    auc_interval,
    balanced_accuracy_best_threshold,
    epsilon_lower_bound,
    expected_rank,
    roc_auc,
    tpr_at_fpr,
    weighted_auc,
)

SCORES = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0.5]
LABELS = [1, 1, 0, 1, 1, 0, 1, 0, 0, 0]

ranked = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def naive_auc(scores, labels) -> float:
    positive = [s for s, label in zip(scores, labels) if label]
    negative = [s for s, label in zip(scores, labels) if not label]
    if not positive or not negative:
        return math.nan
    wins = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    return float(np.mean(wins))


def test_area_of_ten_by_hand() -> None:
    # Negatives below each positive: 5, 5, 4, 4, 3 of 5, so 21/25.
    assert roc_auc(SCORES, LABELS) == pytest.approx(0.84, abs=1e-6)


@given(ranked)
def test_area_is_the_share_of_pairs_in_order_ties_half(rows) -> None:
    scores, labels = zip(*rows)
    expected = naive_auc(scores, labels)
    assert roc_auc(scores, labels) == pytest.approx(expected, nan_ok=True)
    counts = np.ones((1, len(rows)))
    weighted = weighted_auc(np.array(rows, dtype=float), counts)[0]
    assert weighted == pytest.approx(expected, nan_ok=True)


@given(ranked)
def test_reversing_scores_mirrors_the_area(rows) -> None:
    scores, labels = map(np.array, zip(*rows))
    assert roc_auc(-scores, labels) == pytest.approx(1 - roc_auc(scores, labels), nan_ok=True)


def test_counts_stand_for_repeated_rows() -> None:
    values = np.array([[1, 0], [2, 1], [2, 0], [3, 1]])
    repeated = np.repeat(values, [2, 1, 0, 3], axis=0)
    expected = naive_auc(repeated[:, 0], repeated[:, 1])
    assert weighted_auc(values, np.array([[2.0, 1, 0, 3]]))[0] == expected


@pytest.mark.parametrize(
    ("scores", "labels"), [([1, 2], [1, 1]), ([], []), ([1, math.nan], [0, 1])]
)
def test_area_is_undefined_with_one_class_or_a_nan(scores, labels) -> None:
    assert math.isnan(roc_auc(scores, labels))
    assert auc_interval(scores, labels).reason is not None


def test_area_of_separated_classes_has_an_interval_with_width() -> None:
    # 5 disjoint pairs in order: low = 0.025^(1/5)
    interval = auc_interval(range(10), [0] * 5 + [1] * 5)
    assert (interval.low, interval.high) == pytest.approx((0.025**0.2, 1.0))


def test_coverage_of_the_area_under_the_curve() -> None:
    # Normal scores one apart: AUC = Φ(1/√2).
    labels, truth = np.repeat([0, 1], 40), norm.cdf(1 / math.sqrt(2))
    covered = [
        auc_interval(rng(seed).normal(size=80) + labels, labels).contains(truth)
        for seed in range(2000)
    ]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_bootstrap_of_clusters_of_one_row_agrees_with_delong() -> None:
    labels = np.repeat([0, 1], 150)
    scores = rng().normal(size=300) + labels
    delong = auc_interval(scores, labels)
    resampled = auc_interval(scores, labels, clusters=np.arange(300), rng=rng())
    assert resampled.low == pytest.approx(delong.low, abs=0.01)
    assert resampled.high == pytest.approx(delong.high, abs=0.01)


def test_true_positive_rates_of_ten_by_hand() -> None:
    # No false alarm: scores above 7 are two of five members. One of five non-members: above 4.
    none = tpr_at_fpr(SCORES, LABELS, 0.01, allow_small=True)
    one = tpr_at_fpr(SCORES, LABELS, 0.2, allow_small=True)
    assert (none.value, none.threshold, none.false_positive_rate) == (0.4, 8.0, 0.0)
    assert (one.value, one.threshold, one.false_positive_rate) == (0.8, 5.0, 0.2)
    assert tpr_at_fpr(SCORES, LABELS, 0.0, allow_small=True).value == 0.4
    assert none.interval == clopper_pearson(2, 5)


@given(ranked, st.floats(0, 0.99))
def test_operating_point_is_the_best_on_the_curve_within_the_limit(rows, fpr) -> None:
    scores, labels = np.array(rows, dtype=float).T
    point = tpr_at_fpr(scores, labels, fpr, allow_small=True)
    if point.reason is not None:
        return
    rates = [
        (np.mean(scores[labels == 1] >= t), np.mean(scores[labels == 0] >= t))
        for t in [*scores, math.inf]
    ]
    assert point.value == pytest.approx(max(tpr for tpr, alarms in rates if alarms <= fpr + 1e-9))


@pytest.mark.parametrize(("fpr", "needed"), [(0.01, 1000), (0.001, 10_000)])
def test_few_negatives_have_no_rate_in_the_tail(fpr, needed) -> None:
    scores = rng().normal(size=needed + 1)
    labels = np.arange(needed + 1) == 0
    enough, small = tpr_at_fpr(scores, labels, fpr), tpr_at_fpr(scores[:-1], labels[:-1], fpr)
    assert enough.reason is None
    assert math.isnan(small.value)
    assert f"needs {needed:,}" in (small.reason or "")
    assert small.n_negative == needed - 1


def test_operating_point_needs_members() -> None:
    assert tpr_at_fpr(np.arange(5), [0] * 5, 0.5, allow_small=True).reason == "only one class"
    with pytest.raises(ValueError, match="fpr"):
        tpr_at_fpr(SCORES, LABELS, 1.0)


def test_best_balanced_accuracy_of_ten_by_hand() -> None:
    # From 3 up: all five members and two of five non-members, (1 + 3/5) / 2; from 5: (4/5 + 4/5)/2.
    assert balanced_accuracy_best_threshold(SCORES, LABELS).balanced_accuracy == pytest.approx(0.8)
    assert balanced_accuracy_best_threshold([1, 2], [1, 1]).reason == "only one class"


@given(ranked)
def test_best_balanced_accuracy_is_that_of_the_best_threshold(rows) -> None:
    scores, labels = np.array(rows, dtype=float).T
    best = balanced_accuracy_best_threshold(scores, labels)
    if best.reason is not None:
        return
    called = scores >= best.threshold
    at_best = (np.mean(called[labels == 1]) + np.mean(~called[labels == 0])) / 2
    assert best.balanced_accuracy == pytest.approx(at_best)
    assert best.balanced_accuracy >= 0.5


def test_epsilon_of_hand_computed_bounds() -> None:
    # ln(0.212406 / 0.036217) = 1.768981
    assert epsilon_lower_bound(30, 100, 0, 100) == pytest.approx(1.768981, abs=1e-6)
    assert epsilon_lower_bound(300, 1000, 0, 1000) == pytest.approx(4.301297, abs=1e-6)
    assert epsilon_lower_bound(12, 100, 10, 100) == 0.0


def test_epsilon_is_symmetric_in_accepting_and_rejecting() -> None:
    assert epsilon_lower_bound(100, 100, 70, 100) == pytest.approx(1.768981, abs=1e-6)


def test_delta_lowers_epsilon_and_no_data_leaves_it_undefined() -> None:
    assert epsilon_lower_bound(30, 100, 0, 100, delta=0.01) < 1.768981
    assert epsilon_lower_bound(30, 100, 0, 100, delta=0.9) == 0.0
    assert math.isnan(epsilon_lower_bound(0, 0, 0, 10))


def test_epsilon_seldom_exceeds_the_truth() -> None:
    # Randomised response with ε = 1: TPR = e/(1+e), FPR = 1/(1+e).
    rate = math.e / (1 + math.e)
    hits, alarms = rng().binomial(200, [[rate], [1 - rate]], size=(2, 500))
    bounds = [epsilon_lower_bound(h, 200, a, 200) for h, a in zip(hits, alarms)]
    assert np.mean(np.array(bounds) > 1.0) <= 0.05


def test_expected_rank_averages_over_ties() -> None:
    # Two greater and nothing tied: 3; four candidates that all tie: 2.5.
    ranks = expected_rank([[5, 4, 3, 1], [0, 0, 0, 0]], [2, 1])
    assert ranks.tolist() == [3.0, 2.5]


def test_expected_rank_with_a_nan_is_undefined() -> None:
    assert np.isnan(expected_rank([[1.0, math.nan]], [0])).all()
