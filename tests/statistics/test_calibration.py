from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from evalsuite.statistics.calibration import (
    bin_index,
    brier_score,
    calibration_null,
    expected_calibration_error,
    negative_log_likelihood,
)

forecasts = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_error_of_two_bins_by_hand() -> None:
    # (0, .5]: confidence .3, accuracy 1/2, gap .2; (.5, 1]: .9 and 1/2, gap .4; mean .3
    error = expected_calibration_error([0.2, 0.4, 0.9, 0.9], [0, 1, 1, 0], bins=2)
    assert error == pytest.approx(0.3)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    assert bin_index([0.0, 0.1, 0.10001, 0.3, 0.6, 0.7, 1.0], 10).tolist() == [0, 0, 1, 2, 5, 6, 9]


def test_equal_masses_by_hand() -> None:
    # Halves {.1, .2} and {.3, .9}: |0 - .15|/2 + |1 - .6|/2 = .275
    error = expected_calibration_error([0.9, 0.1, 0.3, 0.2], [1, 0, 1, 0], bins=2, binning="mass")
    assert error == pytest.approx(0.275)


def test_equal_masses_never_split_equal_confidences() -> None:
    assert len(set(bin_index([0.5, 0.5, 0.5, 0.5, 0.9, 0.95], 3, "mass")[:4])) == 1


@given(forecasts, st.integers(1, 12))
def test_error_matches_the_definition(rows, bins) -> None:
    confidence, hits = np.array(rows, dtype=float).T
    expected = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        inside = (confidence > low) & (confidence <= high) | (confidence == 0) & (b == 0)
        if inside.any():
            gap = abs(hits[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert expected_calibration_error(confidence, hits, bins=bins) == pytest.approx(expected)


@given(forecasts, st.sampled_from(["width", "mass"]), st.randoms())
def test_order_does_not_matter(rows, binning, random) -> None:
    shuffled = random.sample(rows, len(rows))
    errors = [
        expected_calibration_error(*zip(*table), binning=binning) for table in (rows, shuffled)
    ]
    assert errors[0] == pytest.approx(errors[1])


def test_one_bin_compares_the_means() -> None:
    assert expected_calibration_error([0.9, 0.5], [1, 0], bins=1) == pytest.approx(0.2)


def test_perfect_calibration_has_a_floor_that_falls_with_n() -> None:
    floors = [
        calibration_null(rng().uniform(0.5, 1, n), rng=rng(), simulations=200).mean
        for n in (50, 300, 3000)
    ]
    assert floors[0] > 0.06
    assert floors[0] > floors[1] > floors[2] > 0


def test_overconfidence_stands_out_from_the_floor() -> None:
    confidence = rng().uniform(0.5, 1, 500)
    null = calibration_null(confidence, rng=rng(), simulations=200)
    overconfident = expected_calibration_error(confidence, rng().random(500) < confidence - 0.2)
    honest = expected_calibration_error(confidence, rng(3).random(500) < confidence)
    assert null.p_value(overconfident, "greater") < 0.01
    assert null.p_value(honest, "greater") > 0.01


def test_no_samples_have_no_error() -> None:
    assert math.isnan(expected_calibration_error([], []))
    assert math.isnan(brier_score([], []))
    assert math.isnan(negative_log_likelihood([], []))
    assert calibration_null([], rng=rng()).reason is not None


def test_a_confidence_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        expected_calibration_error([1.5], [1])


def test_proper_scores_by_hand() -> None:
    # (.2² + .5²)/2 = .145; -(ln .8 + ln .5)/2 = -ln(.4)/2
    assert brier_score([0.8, 0.5], [1, 0]) == pytest.approx(0.145)
    assert negative_log_likelihood([0.8, 0.5], [1, 0]) == pytest.approx(-math.log(0.4) / 2)


def test_proper_scores_agree_with_scikit_learn() -> None:
    p, y = rng().uniform(0.01, 0.99, 100), rng(1).integers(0, 2, 100)
    assert brier_score(p, y) == pytest.approx(brier_score_loss(y, p))
    assert negative_log_likelihood(p, y) == pytest.approx(log_loss(y, p))
    table = np.stack([1 - p, p], axis=1)
    assert brier_score(table, y) == pytest.approx(2 * brier_score(p, y))
    assert negative_log_likelihood(table, y) == pytest.approx(negative_log_likelihood(p, y))


def test_an_outcome_declared_impossible_costs_infinitely() -> None:
    assert negative_log_likelihood([0.0], [1]) == math.inf


# Ten answers, the surest first, of which the third, sixth, eighth, ninth and tenth are wrong.
TEN = np.array([0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.55, 0.52, 0.3, 0.2])
RIGHT = np.array([1, 1, 0, 1, 1, 0, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"bins": 10}, 0.247),
        # .9, .8, .7, .6, .3 and .2 stand on edges: the same data, another error.
        ({"bins": 10, "closed": "left"}, 0.227),
        ({"bins": 5}, 0.237),
        ({"bins": 5, "binning": "mass"}, 0.167),
        ({"bins": 2, "binning": "mass"}, 0.137),
        ({"bins": 1}, 0.137),
    ],
)
def test_published_conventions_differ_on_the_same_ten_answers(options, expected) -> None:
    assert expected_calibration_error(TEN, RIGHT, **options) == pytest.approx(expected, abs=1e-9)


def test_proper_scores_of_the_ten_answers() -> None:
    assert brier_score(TEN, RIGHT) == pytest.approx(0.18279, abs=1e-6)
    assert negative_log_likelihood(TEN, RIGHT) == pytest.approx(0.546151, abs=1e-6)


def test_the_last_bin_holds_one_and_the_first_zero_whichever_side_is_closed() -> None:
    for closed in ("left", "right"):
        assert bin_index([0.0, 1.0], 4, "width", closed).tolist() == [0, 3]
    assert bin_index([0.25, 0.5], 4, "width", "left").tolist() == [1, 2]
    with pytest.raises(ValueError, match="right or left"):
        bin_index([0.5], 4, "width", "both")


@pytest.mark.parametrize(("n", "expected"), [(50, 0.10082), (300, 0.039743), (3000, 0.0132)])
def test_the_floor_of_a_perfect_model_is_the_simulated_one(n, expected) -> None:
    # Confidences uniform in [.5, 1]; the mean of 300 simulated errors is known to about 2 %.
    draw = rng(5)
    floors = [
        calibration_null(draw.uniform(0.5, 1, n), rng=draw, simulations=10).mean for _ in range(60)
    ]
    assert np.mean(floors) == pytest.approx(expected, rel=0.06)
