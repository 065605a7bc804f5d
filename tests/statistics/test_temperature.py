from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from evalsuite.statistics import (
    cross_fitted_probabilities,
    expected_calibration_error,
    fitted_temperature,
)


def drawn(n: int, scale: float, classes: int = 3, seed: int = 0):
    """Logits times a scale, and targets that the unscaled logits say how often."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, classes))
    chances = np.exp(log_softmax(logits, axis=1))
    targets = np.array([rng.choice(classes, p=p) for p in chances])
    return scale * logits, targets


def test_the_temperature_of_three_answers_in_four_by_hand() -> None:
    # Two classes, log-odds 2 for the first, which is right 3 times of 4. The likelihood is largest
    # where sigmoid(2 / T) = 3/4, so T = 2 / ln 3.
    found = fitted_temperature(np.tile([2.0, 0.0], (4, 1)), [0, 0, 0, 1])
    assert found.value == pytest.approx(2 / math.log(3), abs=1e-8)


def test_it_is_the_minimum_of_the_negative_log_likelihood() -> None:
    logits, targets = drawn(200, 1.7, classes=5)

    def surprise(temperature: float) -> float:
        scaled = log_softmax(logits / temperature, axis=1)
        return -float(scaled[np.arange(len(targets)), targets].mean())

    plain = minimize_scalar(surprise, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    assert fitted_temperature(logits, targets).value == pytest.approx(plain.x, abs=1e-6)


@pytest.mark.parametrize("scale", [1 / 3, 1.0, 3.0])
def test_the_scale_that_was_planted_is_recovered(scale: float) -> None:
    found = fitted_temperature(*drawn(3000, scale))
    assert found.interval.contains(scale)
    assert found.value == pytest.approx(scale, rel=0.06)


def test_logits_and_log_probabilities_have_the_same_temperature() -> None:
    logits, targets = drawn(100, 2.0)
    of_logits = fitted_temperature(logits, targets)
    assert fitted_temperature(log_softmax(logits, axis=1), targets).value == pytest.approx(
        of_logits.value, abs=1e-9
    )


def test_a_class_that_is_not_offered_changes_nothing() -> None:
    logits, targets = drawn(100, 2.0)
    wider = np.column_stack([logits, np.full(100, -math.inf)])
    assert fitted_temperature(wider, targets) == fitted_temperature(logits, targets)


def test_the_interval_covers_the_truth_in_about_95_of_100_studies() -> None:
    covered = [
        fitted_temperature(*drawn(250, 2.0, seed=seed)).interval.contains(2) for seed in range(400)
    ]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_samples_that_come_twice_are_worth_no_more_when_they_are_one_cluster() -> None:
    logits, targets = drawn(150, 1.0)
    once = fitted_temperature(logits, targets)
    twice = fitted_temperature(
        np.repeat(logits, 2, axis=0), np.repeat(targets, 2), clusters=np.repeat(np.arange(150), 2)
    )
    assert twice.value == pytest.approx(once.value, abs=1e-8)
    assert twice.interval.width == pytest.approx(once.interval.width, abs=1e-6)


@pytest.mark.parametrize("targets", [[0, 0, 0], [1, 1, 1]])
def test_always_right_or_always_wrong_has_no_temperature(targets: list[int]) -> None:
    found = fitted_temperature(np.tile([2.0, 0.0], (3, 1)), targets)
    assert math.isnan(found.value)
    assert "no maximum" in str(found.reason)


def test_no_samples_have_no_temperature() -> None:
    assert fitted_temperature(np.empty((0, 2)), []).reason == "no samples"


def test_scores_and_targets_must_fit_together() -> None:
    with pytest.raises(ValueError, match="targets"):
        fitted_temperature([[1.0, 0.0]], [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        fitted_temperature([[math.nan, 0.0]], [0])


def scaled(logits, targets):
    rng = np.random.default_rng(1)
    return cross_fitted_probabilities(logits, targets, rng=rng)


def test_scaled_probabilities_of_others_are_as_sure_as_they_should_be() -> None:
    logits, targets = drawn(2000, 3.0)
    found = scaled(logits, targets)
    hits = found.argmax(axis=1) == targets
    before = np.exp(log_softmax(logits, axis=1)).max(axis=1)
    assert expected_calibration_error(before, hits) > 0.15
    assert expected_calibration_error(found.max(axis=1), hits) < 0.05


def test_the_order_of_rows_does_not_matter() -> None:
    logits, targets = drawn(60, 2.0)
    order = np.random.default_rng(3).permutation(60)
    assert np.allclose(scaled(logits[order], targets[order]), scaled(logits, targets)[order])
