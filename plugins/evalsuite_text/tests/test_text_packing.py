"""Every plan reads every sequence completely; the cost model prefers what it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite_text.scoring.encoding import ScoredRow
from evalsuite_text.scoring.packing import (
    CostModel,
    Limits,
    batches,
    filled,
    lay_out,
    partition,
    separately,
    side_by_side,
)
from evalsuite_text.scoring.token_tree import grow

CPU = CostModel(pairs_per_token=4600, call_tokens=16)
rng = np.random.default_rng(0)


def tokens(n: int) -> tuple[int, ...]:
    return tuple(rng.integers(50_000, size=n).tolist())


def questions(n: int, stem: int, choice: int, preamble: tuple[int, ...] = ()) -> list[ScoredRow]:
    """``n`` questions with four choices each."""
    rows = []
    for _ in range(n):
        context = preamble + tokens(stem)
        rows += [ScoredRow((*context, *tokens(choice)), len(context), 0) for _ in range(4)]
    return rows


def read_back(groups, tree) -> dict[int, list[int]]:
    """What each sequence sees, token by token, according to a plan."""
    seen = {}
    for group in groups:
        prefix = tree.ids[group.row][: group.depth].tolist()
        for packed in (lay_out(unit, tree) for unit in group.units):
            for index, first, places in packed.reads:
                assert first == group.depth
                visible = [k for k in range(places[-1] + 1) if places[-1] < packed.ends[k]]
                assert visible == places.tolist()  # the last token sees its own sequence only
                assert packed.positions[places].tolist() == list(range(first, first + len(places)))
                seen[index] = prefix + packed.ids[places].tolist()
    return seen


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text("ab", min_size=1, max_size=40), min_size=1, max_size=10),
    st.sampled_from([CPU, CostModel(1e9, float("inf")), CostModel(1e-3, 0.0, 0.0)]),
    st.integers(0, 40),
)
def test_every_plan_reads_every_sequence(sequences, cost, start):
    rows = [ScoredRow((*map(ord, s), 0), max(1, min(start, len(s))), 0) for s in sequences]
    tree = grow(rows)
    for groups in (partition(tree, cost), separately(tree)):
        seen = read_back(groups, tree)
        assert seen == {i: list(row.ids[:-1]) for i, row in enumerate(rows)}


def test_a_prefix_ends_before_the_first_output_that_is_needed():
    preamble = tokens(100)
    rows = [ScoredRow((*preamble, *tokens(30)), 60, 0) for _ in range(8)]
    groups = partition(grow(rows), CPU)
    assert max(group.depth for group in groups) <= 59


def test_a_question_with_choices_is_one_row():
    tree = grow(questions(3, stem=80, choice=25))
    (group,) = partition(tree, CPU)
    assert (group.depth, len(group.units)) == (0, 3)


def test_a_preamble_that_all_share_is_kept():
    tree = grow(questions(5, stem=40, choice=10, preamble=tokens(500)))
    (kept,) = partition(tree, CPU)
    assert kept.depth == 500
    assert len(kept.units) == 5


def test_a_long_question_of_its_own_is_kept_for_its_choices():
    tree = grow(questions(1, stem=1500, choice=6))
    assert partition(tree, CPU)[-1].depth == 1499  # the output of the last token is needed


def test_where_a_pass_is_dear_a_long_question_is_packed_instead():
    (group,) = partition(grow(questions(1, stem=1500, choice=6)), CostModel(4600, 5000))
    assert group.depth == 0


def test_rows_that_share_a_word_or_two_stay_apart():
    rows = [ScoredRow((7, 8, *tokens(100)), 50, 0) for _ in range(6)]
    (group,) = partition(grow(rows), CPU)
    assert sorted(len(unit.branch.ends) for unit in group.units) == [1] * 6


def test_what_is_at_hand_is_not_read_again():
    preamble = tokens(500)
    tree = grow(questions(1, stem=40, choice=10, preamble=preamble))
    known = lambda ids: 500 if len(ids) >= 500 else 0
    assert partition(tree, CPU, known)[-1].depth >= 500
    one = grow([ScoredRow((*preamble, *tokens(40)), 530, 0)])
    assert partition(one, CPU, known)[-1].depth == 500


def test_rows_side_by_side_do_not_see_each_other():
    tree = grow(questions(2, stem=5, choice=3))
    first, second = (lay_out(unit, tree) for unit in partition(tree, CPU)[0].units)
    both = side_by_side([first, second])
    assert both.ends[: len(first.ids)].max() == len(first.ids)
    assert both.positions[len(first.ids)] == 0


def test_bins_are_filled_without_cutting_a_row():
    tree = grow([ScoredRow((*tokens(n), 0), n, 0) for n in (9, 5, 4, 2)])
    rows = [lay_out(unit, tree) for unit in separately(tree)[0].units]
    # longest first: 9 fills a bin, 5 and 4 another, where 2 does not fit any more
    assert sorted(len(row.ids) for row in filled(rows, 10)) == [2, 9, 9]


@pytest.mark.parametrize(("max_tokens", "max_pairs"), [(64, 10**9), (10**9, 2000)])
def test_batches_stay_within_both_limits(max_tokens, max_pairs):
    tree = grow([ScoredRow((*tokens(n), 0), n, 0) for n in range(1, 30)])
    rows = [lay_out(unit, tree) for unit in separately(tree)[0].units]
    made = list(batches(rows, 10, Limits(max_tokens, max_pairs), CostModel(4600, 1e9)))
    assert sum(map(len, made)) == len(rows)
    for batch in made:
        longest = max(len(row.ids) for row in batch)
        assert len(batch) == 1 or len(batch) * longest <= max_tokens
        assert len(batch) == 1 or len(batch) * longest * (10 + longest) <= max_pairs


def test_rows_of_very_different_length_are_not_padded_together():
    tree = grow([ScoredRow((*tokens(n), 0), n, 0) for n in (300, 290, 20, 19)])
    rows = [lay_out(unit, tree) for unit in separately(tree)[0].units]
    made = [
        [len(row.ids) for row in batch] for batch in batches(rows, 0, Limits(10**6, 10**9), CPU)
    ]
    assert made == [[300, 290], [20, 19]]
