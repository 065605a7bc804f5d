"""Two share a letter exactly where no test tells them apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.statistics import compact_letters


def matrix(k: int, *pairs: tuple[int, int]) -> np.ndarray:
    differs = np.zeros((k, k), dtype=bool)
    for a, b in pairs:
        differs[a, b] = differs[b, a] = True
    return differs


def test_a_chain_of_three_has_a_bridge():
    # 0 and 2 differ; 1 is told from neither
    assert compact_letters(matrix(3, (0, 2))) == ["a", "ab", "b"]


def test_no_difference_is_one_group_and_all_are_many():
    assert compact_letters(matrix(3)) == ["a", "a", "a"]
    assert compact_letters(matrix(3, (0, 1), (0, 2), (1, 2))) == ["a", "b", "c"]


def test_the_first_has_an_a():
    assert compact_letters(matrix(4, (0, 1), (0, 2), (0, 3)))[0] == "a"


@given(
    st.integers(1, 7).flatmap(
        lambda k: st.tuples(
            st.just(k), st.sets(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)))
        )
    )
)
@settings(max_examples=60, deadline=None)
def test_letters_say_neither_more_nor_less_than_the_tests(drawn):
    k, pairs = drawn
    differs = matrix(k, *((a, b) for a, b in pairs if a != b))
    letters = compact_letters(differs)
    for a in range(k):
        for b in range(k):
            if a != b:
                assert bool(set(letters[a]) & set(letters[b])) != bool(differs[a, b])


def test_none_have_no_letters():
    assert compact_letters(np.zeros((0, 0))) == []


def test_what_is_no_relation_is_refused():
    with pytest.raises(ValueError, match="symmetric"):
        compact_letters([[False, True], [False, False]])
