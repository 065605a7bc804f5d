"""The tree holds every sequence once, and what sequences share is one branch."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite_text.scoring.encoding import ScoredRow
from evalsuite_text.scoring.token_tree import grow


def rows_of(*sequences: str) -> list[ScoredRow]:
    """One row for each sequence of letters; a last token is added, which is never read."""
    return [ScoredRow((*map(ord, s), 0), len(s), 0) for s in sequences]


def test_a_shared_beginning_is_one_branch():
    # abc is read once, then d and ef: 3 + 1 + 2 tokens
    tree = grow(rows_of("abcd", "abcef"))
    (stem,) = tree.root.children
    assert (stem.depth, [child.depth for child in stem.children]) == (3, [4, 5])
    assert tree.n_tokens == 6


def test_a_sequence_may_end_inside_another():
    tree = grow(rows_of("abc", "ab", "abd"))
    (stem,) = tree.root.children
    assert (stem.depth, stem.ends) == (2, [1])
    assert tree.n_tokens == 4


def test_equal_sequences_end_in_one_place():
    tree = grow(rows_of("ab", "ab"))
    assert tree.root.children[0].ends == [0, 1]
    assert tree.n_tokens == 2


def test_a_branch_knows_the_first_position_that_is_needed():
    rows = [ScoredRow((1, 2, 3, 4, 5), 4, 0), ScoredRow((1, 2, 3, 9, 9), 2, 0)]
    (stem,) = grow(rows).root.children
    assert stem.earliest == 1  # the second row's token 2 is scored from the output at 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=8), min_size=1, max_size=12))
def test_the_distinct_tokens_are_the_distinct_beginnings(sequences):
    beginnings = {s[:n] for s in sequences for n in range(1, len(s) + 1)}
    assert grow(rows_of(*sequences)).n_tokens == len(beginnings)
