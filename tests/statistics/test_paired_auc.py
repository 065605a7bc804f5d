"""The interval of a difference between two areas, and accuracy at thresholds from other samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite.statistics import (
    auc_difference_interval,
    auc_interval,
    balanced_accuracy_best_threshold,
    cross_fitted_balanced_accuracy,
    roc_auc,
    tpr_at_fpr,
)

RNG = np.random.default_rng(0)
LABELS = np.arange(200) % 2 == 0
SCORES = LABELS * 1.0 + RNG.normal(size=200)
NOISE = RNG.normal(size=200)


def test_equal_scores_differ_by_nothing():
    interval = auc_difference_interval(SCORES, SCORES, LABELS)
    assert (interval.low, interval.high) == (0.0, 0.0)


def test_a_constant_rival_leaves_the_areas_own_variance():
    """With a constant rival the difference is AUC - 1/2; DeLong's own interval, not on the logit."""
    interval = auc_difference_interval(SCORES, np.zeros(200), LABELS)
    own = auc_interval(SCORES, LABELS)
    assert interval.low + 0.5 == pytest.approx(own.low, abs=0.01)
    assert interval.high + 0.5 == pytest.approx(own.high, abs=0.01)


def test_the_closed_form_agrees_with_the_bootstrap():
    closed = auc_difference_interval(SCORES, NOISE, LABELS)
    drawn = auc_difference_interval(
        SCORES, NOISE, LABELS, clusters=np.arange(200), rng=np.random.default_rng(1)
    )
    assert drawn.low == pytest.approx(closed.low, abs=0.02)
    assert drawn.high == pytest.approx(closed.high, abs=0.02)


def test_the_variance_is_that_of_placements_by_pairs():
    """Counted pair by pair: V10 of each positive, V01 of each negative, of both scores."""
    positive, negative = SCORES[LABELS], SCORES[~LABELS]
    other_positive, other_negative = NOISE[LABELS], NOISE[~LABELS]
    wins = (positive[:, None] > negative) * 1.0 - (other_positive[:, None] > other_negative)
    variance = wins.mean(1).var(ddof=1) / 100 + wins.mean(0).var(ddof=1) / 100
    interval = auc_difference_interval(SCORES, NOISE, LABELS)
    assert interval.width == pytest.approx(2 * 1.959964 * math.sqrt(variance), abs=1e-5)


def test_one_class_has_no_interval():
    assert not auc_difference_interval(SCORES, NOISE, np.ones(200)).is_defined


def test_noise_is_at_chance_by_a_threshold_from_elsewhere_and_above_by_its_own():
    """The best threshold on the data itself finds .5 exceeded; cross-fitted it is not, on average."""
    own, crossed = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=100)
        labels = np.arange(100) % 2 == 0
        own.append(balanced_accuracy_best_threshold(noise, labels).balanced_accuracy)
        crossed.append(cross_fitted_balanced_accuracy(noise, labels, rng=rng).value)
    assert np.mean(own) > 0.55
    assert abs(np.mean(crossed) - 0.5) < 0.02


def test_separated_classes_are_told_apart_and_the_order_of_rows_is_of_no_effect():
    scores = np.concatenate([np.arange(50.0), np.arange(50.0) + 100])
    labels = np.arange(100) >= 50
    found = cross_fitted_balanced_accuracy(scores, labels, rng=np.random.default_rng(0))
    assert found.value == 1.0
    shuffled = np.random.default_rng(1).permutation(200)
    one = cross_fitted_balanced_accuracy(SCORES, LABELS, rng=np.random.default_rng(0))
    other = cross_fitted_balanced_accuracy(
        SCORES[shuffled], LABELS[shuffled], rng=np.random.default_rng(0)
    )
    assert one == other


@pytest.mark.parametrize(
    ("n_non_members", "mean", "sd"), [(100, 0.0556, 0.036), (300, 0.0408, 0.019)]
)
def test_small_samples_inflate_the_rate_at_one_percent_and_are_refused(n_non_members, mean, sd):
    """Members N(.5, 1), others N(0, 1): 1 - Phi(2.326 - .5) = .0339 of members at 1 %.

    Yet from 100 non-members .0556 is found on average, 64 % too much.
    """
    rng = np.random.default_rng(0)
    labels = np.repeat([True, False], [1000, n_non_members])
    found = []
    for _ in range(400):
        scores = np.append(rng.normal(0.5, 1, 1000), rng.normal(0, 1, n_non_members))
        found.append(tpr_at_fpr(scores, labels, 0.01, allow_small=True).value)
    assert np.mean(found) == pytest.approx(mean, abs=0.006)
    assert np.std(found) == pytest.approx(sd, abs=0.006)
    assert math.isnan(tpr_at_fpr(scores, labels, 0.01).value)


def test_the_tiny_example_has_its_worked_area():
    scores, labels = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0.5], [1, 1, 0, 1, 1, 0, 1, 0, 0, 0]
    assert roc_auc(scores, labels) == pytest.approx(0.84)
    assert tpr_at_fpr(scores, labels, 0.01, allow_small=True).value == pytest.approx(0.4)
    assert tpr_at_fpr(scores, labels, 0.2, allow_small=True).value == pytest.approx(0.8)
    assert balanced_accuracy_best_threshold(scores, labels).balanced_accuracy == pytest.approx(0.8)
