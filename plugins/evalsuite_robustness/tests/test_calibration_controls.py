"""Three controls that differ in nothing but a temperature: it is seen, named and taken back."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from evalsuite import Classify, LoadSettings
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.statistics import area_under_risk_coverage, roc_auc
from evalsuite.testing import play
from evalsuite_controls.sources import GradedReviews
from evalsuite_robustness.calibration.classified import TextClassifierCalibration

ERROR = "calibration error"
SCALED = "calibration error after temperature scaling"
TEMPERATURES = {"calibrated": 1.0, "overconfident": 3.0, "underconfident": 1 / 3}
PLANTED = ("overconfident", "underconfident")


@cache
def samples():
    return list(GradedReviews().rows())


@cache
def played(twin):
    loader, reference = loader_for(f"control:classifier-{twin}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    asked = [Classify(str(sample["text"])) for sample in samples()]
    answers = dict(zip((r.digest for r in asked), answer_batch(model, asked), strict=True))
    return play(TextClassifierCalibration(), samples(), lambda request: answers[request.digest])


@pytest.mark.parametrize("twin", PLANTED)
def test_the_error_of_a_planted_temperature_is_beyond_its_null(twin):
    found = played(twin).estimate(ERROR)
    assert found.verdict == "differs from null"
    assert found.value > found.null.value + 0.08


def test_the_error_of_the_clean_twin_is_within_its_null():
    found = played("calibrated")
    for name in (ERROR, "calibration error, equal widths", "overconfidence", "temperature"):
        assert found.estimate(name).verdict == "compatible with null"


@pytest.mark.parametrize(("twin", "sign"), [("overconfident", 1), ("underconfident", -1)])
def test_overconfidence_has_the_sign_that_was_planted(twin, sign):
    found = played(twin).estimate("overconfidence")
    assert found.verdict == "differs from null"
    assert sign * found.value > 0.08


@pytest.mark.parametrize(("twin", "temperature"), TEMPERATURES.items())
def test_the_temperature_is_recovered(twin, temperature):
    found = played(twin).estimate("temperature")
    assert found.low < temperature < found.high
    assert found.value == pytest.approx(temperature, rel=0.15)


def test_the_temperature_of_twins_differs_by_what_was_planted_between_them():
    """Logits are 3 times as large but for the rounding of float16, so that T is exactly that."""
    clean = played("calibrated").estimate("temperature").value
    assert played("overconfident").estimate("temperature").value / clean == pytest.approx(
        3, rel=0.01
    )
    assert clean / played("underconfident").estimate("temperature").value == pytest.approx(
        3, rel=0.01
    )


@pytest.mark.parametrize("twin", TEMPERATURES)
def test_scaled_by_the_temperature_every_twin_is_within_its_null(twin):
    assert played(twin).estimate(SCALED).verdict == "compatible with null"


@pytest.mark.parametrize("twin", PLANTED)
def test_what_is_right_and_what_is_surest_stays(twin):
    """A temperature keeps the order; float16 turns an answer or two of a probability of a half."""
    pairs = {
        name: (
            [r["confidence"] for r in played(name).records],
            [r["correct"] for r in played(name).records],
        )
        for name in (twin, "calibrated")
    }
    (sure, right), (clean_sure, clean_right) = pairs[twin], pairs["calibrated"]
    assert np.mean(right) == pytest.approx(np.mean(clean_right), abs=0.005)
    assert roc_auc(sure, right) == pytest.approx(roc_auc(clean_sure, clean_right), abs=0.01)
    assert area_under_risk_coverage(sure, right) == pytest.approx(
        area_under_risk_coverage(clean_sure, clean_right), abs=0.005
    )
