"""When there is a temperature, and what is said where there is none."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from evalsuite import Similarity, Table
from evalsuite.classification import CalibrationError
from evalsuite.statistics import fitted_temperature
from evalsuite.zero_shot import Classes
from evalsuite_robustness.calibration.temperature import (
    SCORES,
    FittedTemperature,
    ScaledCalibrationError,
    scores_record,
)

RNG = np.random.default_rng


def table(n=200, scale=2.0, right=None, **further):
    """Answers of two classes whose log-odds are too large by a factor."""
    rng = RNG(0)
    odds = rng.normal(0, 1.5, n)
    is_second = rng.random(n) < 1 / (1 + np.exp(-odds))
    records = []
    for log_odds, second in zip(scale * odds, is_second, strict=True):
        p = 1 / (1 + math.exp(-log_odds))
        target = int(second) if right is None else int((p > 0.5) == right)
        record = scores_record([1 - p, p], target)
        hit = float((p > 0.5) == bool(target))
        records.append({**record, "confidence": max(p, 1 - p), "correct": hit})
    return Table.from_records([{**r, **further} for r in records])


def only(metric, data):
    (found,) = metric.estimate(data, RNG(1))
    return found


def test_the_right_class_stands_first_and_the_others_keep_their_order():
    record = scores_record([0.5, 0.3, 0.2], 1)
    assert json.loads(record[SCORES]) == pytest.approx(np.log([0.3, 0.5, 0.2]), abs=1e-6)


def test_a_probability_of_zero_is_a_very_small_one():
    assert json.loads(scores_record([0.0, 1.0], 0)[SCORES])[0] == pytest.approx(math.log(1e-30))


@pytest.mark.parametrize("n", [0, 101])
def test_no_classes_or_more_than_a_hundred_are_not_kept(n):
    assert scores_record([0.01] * n, 0) == {SCORES: None}


def test_the_estimate_is_that_of_the_function():
    data = table()
    matrix = np.array([json.loads(text) for text in data[SCORES]])
    found, plain = only(FittedTemperature(), data), fitted_temperature(matrix, [0] * data.n)
    assert (found.value, found.low) == (plain.value, plain.interval.low)
    assert found.verdict == "differs from null"


def test_samples_of_different_numbers_of_choices_are_fitted_together():
    wide = [scores_record([0.5, 0.3, 0.2], (0, 0, 1, 2)[i % 4]) for i in range(30)]
    narrow = [scores_record([0.8, 0.2], (0, 0, 1)[i % 3]) for i in range(30)]
    mixed = Table.from_records([*wide, *narrow])
    assert math.isfinite(only(FittedTemperature(), mixed).value)


def test_scaling_takes_back_what_a_temperature_did():
    data = table(n=600, scale=4.0)
    before = only(CalibrationError(bins=10), data)
    after = only(ScaledCalibrationError(CalibrationError(bins=10)), data)
    assert before.verdict == "differs from null"
    assert after.verdict == "compatible with null"


@pytest.mark.parametrize(
    "metric", [FittedTemperature(), ScaledCalibrationError(CalibrationError())]
)
def test_a_model_that_is_always_right_or_answers_in_no_classes_has_no_number(metric):
    always = only(metric, table(right=True))
    assert math.isnan(always.value)
    assert "every answer is right" in always.reason
    none = only(metric, Table.from_records([{SCORES: None}] * 30))
    assert math.isnan(none.value)
    assert none.reason.startswith("0 of the answers")


def test_clusters_widen_the_interval():
    data = table()
    doubled = Table.from_records(
        [{SCORES: text, "speaker": str(i)} for i, text in enumerate(data[SCORES]) for _ in (0, 1)]
    )
    by_row = only(FittedTemperature(), doubled)
    by_speaker = only(FittedTemperature(clusters="speaker"), doubled)
    assert by_speaker.high - by_speaker.low > 1.3 * (by_row.high - by_row.low)


@pytest.mark.parametrize("averages", [False, True])
@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_probabilities_of_all_classes_agree_with_the_prediction(averages, kind):
    rng = RNG(2)
    sets = rng.normal(size=(2, 3, 4))
    sets /= np.linalg.norm(sets, axis=-1, keepdims=True)
    classes = Classes(("a", "b", "c"), sets[0], Similarity(5.0, 0.0, kind), sets, averages)
    vector = sets[1, 2].astype(np.float32)
    found = classes.probabilities(vector)
    assert [classes.predict(vector, i).probability for i in range(3)] == pytest.approx(found)
