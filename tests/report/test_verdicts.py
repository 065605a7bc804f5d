"""What an estimate means: its metric's direction decides, not the size of the number."""

from __future__ import annotations

import math

import pytest

from evalsuite.metric import Estimate, Null
from evalsuite.report.verdicts import SIGNS, meaning, plain_account, verdicts
from evalsuite.store import JobResult


def estimate(value: float, direction: str, side: str = "both") -> Estimate:
    null = Null(0.5, 0.05, side, "guessing")
    return Estimate(
        "accuracy", value, value - 0.1, value + 0.1, direction=direction, null=null,
        is_primary=True, reason="no group" if math.isnan(value) else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "direction", "expected"),
    [
        (0.9, "higher is better", "good"),
        (0.1, "higher is better", "bad"),
        (0.9, "lower is better", "bad"),
        (0.1, "lower is better", "good"),
        (0.1, "closer to null is better", "bad"),
        (0.9, "closer to null is better", "bad"),
        (0.9, "neither", "notable"),
        (0.5, "higher is better", "at null"),
        (math.nan, "higher is better", "undefined"),
    ],
)
def test_the_direction_says_whether_a_departure_is_bad(value, direction, expected):
    assert meaning("task", estimate(value, direction)) == expected


def test_without_a_direction_a_departure_is_bad_beside_people_only():
    assert meaning("fairness", estimate(0.9, "neither")) == "bad"


def test_bad_and_good_news_differ_in_shape_and_words():
    assert SIGNS["bad"][0] != SIGNS["good"][0] != SIGNS["at null"][0]


def job(value: float, direction: str, **facts) -> JobResult:
    return JobResult(
        "j", "m:x", "p", "task", "s", "finished", label="p", n_samples=10,
        estimates=(estimate(value, direction),), **facts,
    )  # fmt: skip


def test_a_model_that_guesses_is_said_to_guess():
    (verdict,) = verdicts([job(0.5, "higher is better")])
    assert verdict.at_null == (
        "p: accuracy is 0.500 [0.400, 0.600], where 0.500 ± 0.05 would mean nothing is there (guessing).",
    )
    assert not verdict.findings


def test_what_could_not_be_measured_is_said_with_its_reason():
    (verdict,) = verdicts([job(math.nan, "higher is better")])
    assert verdict.unmeasured == ("p, accuracy: no group",)
    assert not verdict.capable


def test_the_account_counts_what_could_not_be_computed():
    account = plain_account([job(math.nan, "higher is better", n_failed=3)])
    assert "1 could not be computed" in account
    assert "3 of 10 samples could not be answered" in account
