"""Batches hold every request once, keep families together, and respect the budget."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite_text.scoring.arrangement import arranged
from evalsuite_text.scoring.encoding import ScoredRow

rng = np.random.default_rng(0)


def row(*ids: int) -> list[ScoredRow]:
    return [ScoredRow((*ids, 0), len(ids), 0)]


def tokens(n: int) -> tuple[int, ...]:
    return tuple(rng.integers(1, 50_000, size=n).tolist())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab", max_size=12), max_size=20), st.integers(1, 50))
def test_every_request_stands_in_exactly_one_batch(texts, budget):
    requests = [row(*map(ord, text)) if text else [] for text in texts]
    batches = list(arranged(requests, budget))
    assert sorted(index for batch in batches for index in batch) == list(range(len(texts)))
    assert all(batches)


def test_choices_of_one_question_stay_together():
    stems = [tokens(50) for _ in range(6)]
    requests = [row(*stems[i % 6], *tokens(5)) for i in range(24)]
    for batch in arranged(requests, 150):  # two questions of 50 + 4 x 5
        assert all(sum(i % 6 == index % 6 for i in batch) == 4 for index in batch)


def test_the_longest_come_first():
    requests = [row(*tokens(n)) for n in (10, 30, 20)]
    assert list(arranged(requests, 1)) == [[1], [2], [0]]


def test_what_a_preamble_shares_counts_once():
    preamble = tokens(100)
    requests = [row(*preamble, *tokens(10)) for _ in range(9)]
    # 110 + 8 x 10 = 190 distinct tokens
    assert [len(batch) for batch in arranged(requests, 190)] == [9]
