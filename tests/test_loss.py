"""What harder data cost, on the samples that were answered both times."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Mean, Ratio
from evalsuite.loss import losses, paired
from evalsuite.store import SampleRow

RNG = np.random.default_rng(0)
RATE = Ratio("errors", "words", name="word error rate", direction="lower is better", primary=True)


def lost(pairs, metric):
    (found,) = losses(pairs, (metric,), np.random.default_rng(0))
    return found


def test_a_mean_loses_what_its_samples_lose():
    """(1 - 0 + 1 - 1 + 0 - 0 + 1 - 0) / 4 = 0.5"""
    pairs = [({"hit": a}, {"hit": b}) for a, b in ((1, 0), (1, 1), (0, 0), (1, 0))]
    metric = Mean("hit", name="hits", direction="higher is better", primary=True)
    assert lost(pairs, metric).value == 0.5


def test_a_corpus_rate_loses_the_difference_of_ratios_not_the_mean_of_differences():
    """Clean 1 of 12 words, harder 8 of 12: 7 / 12 lost. The mean of the utterances' own would be
    (1 / 2 + 6 / 10) / 2 = 0.55."""
    pairs = [
        ({"errors": 0, "words": 2}, {"errors": 1, "words": 2}),
        ({"errors": 1, "words": 10}, {"errors": 7, "words": 10}),
    ]
    found = lost(pairs, RATE)
    assert found.value == pytest.approx(7 / 12)
    assert found.metric == "word error rate lost"
    assert (found.n, found.direction) == (2, "lower is better")


def test_a_rate_may_lose_more_than_one():
    """Ten inserted words to one that was said: a rate of 10 where it was 0."""
    pairs = [({"errors": 0, "words": 1}, {"errors": 10, "words": 1}) for _ in range(3)]
    found = lost(pairs, RATE)
    assert (found.value, found.low, found.high) == (10, 10, 10)
    assert found.verdict == "differs from null"


def test_pairs_are_drawn_whole():
    """Every utterance loses the same tenth of its words: the interval has no width, although the
    utterances themselves differ."""
    pairs = [({"errors": e, "words": 10}, {"errors": e + 1, "words": 10}) for e in (0, 2, 4, 6, 8)]
    found = lost(pairs, RATE)
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1)


def test_a_rate_without_words_is_undefined():
    found = lost([({"errors": 0, "words": 0}, {"errors": 1, "words": 0})], RATE)
    assert math.isnan(found.value)
    assert "denominator" in found.reason


def test_only_what_was_answered_twice_is_compared():
    clean = [SampleRow("1", "h", "ok", record={"x": 1}), SampleRow("2", "h", "failed", reason="no")]
    harder = [SampleRow("1", "h", "ok", record={"x": 2}), SampleRow("2", "h", "ok", record={})]
    assert paired(clean, harder) == [({"x": 1}, {"x": 2})]


@pytest.mark.parametrize(
    "column", ["predicted", "hypothesis", "generated", "prediction", "caption", "answer"]
)
def test_answers_that_stay_are_counted_whatever_the_probe_calls_them(column):
    """Two of three samples have the same answer both times."""
    pairs = [({column: a}, {column: b}) for a, b in (("yes", "yes"), ("no", ""), ("", ""))]
    found = lost(pairs, Mean("hit", name="hits", primary=False))
    assert (found.metric, found.n) == ("answers unchanged", 3)
    assert found.value == pytest.approx(2 / 3)


def test_a_sample_without_an_answer_says_nothing_of_unchanged_ones():
    pairs = [({"predicted": None}, {"predicted": None}), ({"predicted": "a"}, {"predicted": "a"})]
    assert lost(pairs, Mean("hit", name="hits", primary=False)).n == 1


def test_what_was_chosen_tells_more_than_what_was_written():
    pairs = [({"predicted": "rain", "answer": "B"}, {"predicted": "rain", "answer": "B. rain"})]
    assert lost(pairs, Mean("hit", name="hits", primary=False)).value == 1
