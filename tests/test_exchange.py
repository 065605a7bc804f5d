"""What the run keeps of an answer for readers."""

from __future__ import annotations

from evalsuite import TokenScores, TokenScoreTable
from evalsuite.exchange import shown


def answer_in(table: TokenScoreTable) -> dict:
    (entry,) = shown([(TokenScores("a text"), table)])
    return dict(entry["answer"])


def test_a_long_column_is_shown_by_its_beginning():
    shown_answer = answer_in(TokenScoreTable(tuple(float(i) for i in range(128)), tokens=("a",)))
    assert shown_answer["logprobs"] == [*(float(i) for i in range(12)), "and 116 more"]
    assert shown_answer["tokens"] == ("a",)


def test_a_short_column_is_shown_whole():
    logprobs = tuple(float(i) for i in range(40))
    assert answer_in(TokenScoreTable(logprobs))["logprobs"] == logprobs
