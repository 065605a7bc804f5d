"""Text tasks on answers that are known."""

from __future__ import annotations

import math

import pytest

from evalsuite import ContinuationScore, Sample, TextScore
from evalsuite.testing import check_probe, play
from evalsuite_text.prompted.choice import MultipleChoice, credit, target_index
from evalsuite_text.tasks.minimal_pairs import MinimalPairs
from evalsuite_text.tasks.perplexity import Perplexity

QUESTIONS = [
    Sample(str(i), {"question": "q", "choices": ["aa", "b", "cc", "dd"], "answer": i % 4})
    for i in range(40)
]


def score(total: float) -> ContinuationScore:
    return ContinuationScore(total, 1, False)


def test_a_constant_model_is_at_chance():
    # four equal choices share the credit: 1/4 each
    played = play(MultipleChoice(), QUESTIONS, lambda request: score(-1.0))
    assert played.estimate("accuracy").value == 0.25
    assert played.estimate("accuracy").verdict == "compatible with null"


def test_a_model_that_always_says_b_gets_a_quarter():
    played = play(MultipleChoice(), QUESTIONS, lambda r: score(-1.0 - (r.continuation != " b")))
    assert played.estimate("accuracy").value == 0.25


def test_the_contract_is_kept():
    check_probe(MultipleChoice(), QUESTIONS, lambda r: score(-float(len(r.continuation))))


@pytest.mark.parametrize(("answer", "index"), [(1, 1), ("b", 1), ("B", 1), ("1", 1), ("cc", 2)])
def test_answers_can_be_written_in_several_ways(answer, index):
    assert target_index(answer, ["aa", "b", "cc"]) == index


def test_two_that_tie_share_the_credit():
    assert credit([0.5, 0.5, 0.1], 1) == 0.5


def test_ties_of_minimal_pairs_are_half_right():
    pairs = [Sample("1", {"sentence_good": "a", "sentence_bad": "b"})]
    played = play(MinimalPairs(), pairs, lambda request: score(-1.0))
    assert played.records[0]["correct"] == 0.5


def test_perplexity_of_a_uniform_model_is_its_vocabulary():
    # 3 tokens of probability 1/50 each: exp(-log(1/50)) = 50; 4 bytes hold 3 log2 50 bits
    texts = [Sample(str(i), {"text": "a b"}) for i in range(3)]
    played = play(Perplexity(), texts, lambda r: TextScore(3 * math.log(1 / 50), 3, 2, 4))
    assert played.estimate("perplexity per token").value == pytest.approx(50)
    assert played.estimate("bits per byte").value == pytest.approx(3 * math.log2(50) / 4)
