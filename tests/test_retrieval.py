"""Ranks with ties: closed forms against all orders, against a plain reading, and in stretches."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest

from evalsuite.retrieval import (
    First,
    Pairs,
    all_tied,
    both_ways,
    expectation,
    right_pairs,
    standing,
)
from evalsuite.retrieval.median_rank import weighted_median

RNG = np.random.default_rng(0)


# ------------------------------------------------------------------------------------------------
# Expectations over random orders of ties
# ------------------------------------------------------------------------------------------------


def by_enumeration(scores, right, k):
    """Means over all orders that scores allow: rank, 1/rank, AP, recall at k, AP at k."""
    orders = [
        order
        for order in permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in pairwise(order))
    ]
    found = []
    for order in orders:
        places = [i for i, candidate in enumerate(order, start=1) if candidate in right]
        precision = [Fraction(n, place) for n, place in enumerate(places, start=1)]
        within = [share for share, place in zip(precision, places) if place <= k]
        found.append(
            (
                places[0],
                Fraction(1, places[0]),
                sum(precision) / len(places),
                places[0] <= k,
                sum(within, Fraction(0)) / min(len(places), k),
            )
        )
    return [float(sum(column) / Fraction(len(orders))) for column in zip(*found)]


@pytest.mark.parametrize("seed", range(40))
def test_closed_forms_are_the_mean_over_all_orders_of_ties(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, 6).astype(np.float32)
    right = np.flatnonzero(rng.random(6) < 0.4)
    right = right if len(right) else np.array([2])
    k = int(rng.integers(1, 6))
    pairs = Pairs.of(np.zeros(len(right), int), right, 6)
    found = standing(lambda part: scores[None][part], pairs)
    first = First.of(found)
    expected = by_enumeration(scores, set(right.tolist()), k)
    assert expectation.rank(first)[0] == pytest.approx(expected[0])
    assert expectation.reciprocal_rank(first)[0] == pytest.approx(expected[1])
    assert expectation.average_precision(found)[0] == pytest.approx(expected[2])
    assert expectation.recall_at(k, first)[0] == pytest.approx(expected[3])
    assert expectation.average_precision(found, at=k)[0] == pytest.approx(expected[4])


def test_a_tie_below_a_better_one_by_hand():
    # the right one scores 0.6, one wrong above it, one beside it: rank 1 + 1 + 1/2 = 2.5,
    # second or third, so R@2 is 1/2, and 1/rank is (1/2 + 1/3) / 2 = 5/12
    scores = np.array([[0.9, 0.6, 0.6, 0.1]], np.float32)
    first = First.of(standing(lambda part: scores[part], Pairs.of([0], [1], 4)))
    assert expectation.rank(first).tolist() == [2.5]
    assert expectation.recall_at(2, first).tolist() == [0.5]
    assert expectation.reciprocal_rank(first)[0] == pytest.approx(5 / 12)


# ------------------------------------------------------------------------------------------------
# A plain reading of the definitions
# ------------------------------------------------------------------------------------------------


def plain(scores, is_right):
    """(rank, average precision) of each query, one loop after another; ties by closed counts."""
    for row, right in zip(scores, is_right):
        best = row[right].max()
        above = (row[~right] > best).sum()
        yield 1 + above + (row[~right] == best).sum() / ((row[right] == best).sum() + 1)


@pytest.mark.parametrize("n_right", [1, 5, 20])  # compared with each, and sorted
def test_ranks_agree_with_a_plain_reading_on_random_data_with_ties(n_right):
    scores = RNG.integers(0, 30, (1500, 60)).astype(np.float32)
    is_right = np.zeros((1500, 60), bool)
    for row in is_right:
        row[RNG.choice(60, RNG.integers(1, n_right + 1), replace=False)] = True
    found = standing(lambda part: scores[part], Pairs.of(*np.nonzero(is_right), 60))
    assert expectation.rank(First.of(found)).tolist() == list(plain(scores, is_right))


def test_average_precision_agrees_with_scikit_learn_where_there_are_no_ties():
    from sklearn.metrics import average_precision_score

    scores = RNG.random((50, 40))
    is_right = RNG.random((50, 40)) < 0.2
    is_right[:, 0] = True
    found = standing(lambda part: scores[part], Pairs.of(*np.nonzero(is_right), 40))
    expected = [average_precision_score(r, s) for r, s in zip(is_right, scores)]
    assert expectation.average_precision(found) == pytest.approx(expected)


def test_right_pairs_agree_with_their_definition():
    image_ids = np.array([f"image {i}" for i in RNG.integers(0, 12, 20)])
    owner = np.repeat(np.arange(20), 3)
    captions = np.array([f"caption {i}" for i in RNG.integers(0, 25, 60)])
    own = [set(captions[owner == i]) for i in range(20)]
    expected = [
        (i, t)
        for i in range(20)
        for t in range(60)
        if image_ids[i] == image_ids[owner[t]] or captions[t] in own[i]
    ]
    pairs = right_pairs(image_ids, captions, owner)
    assert list(zip(pairs.queries.tolist(), pairs.candidates.tolist())) == expected


def test_equal_vectors_tie_exactly_wherever_they_stand():
    texts = np.repeat(RNG.normal(size=(3, 67)).astype(np.float32), 41, axis=0)
    images = np.repeat(RNG.normal(size=(2, 67)).astype(np.float32), 13, axis=0)
    to_text, to_image = both_ways(images, texts)
    assert all(len(set(row)) <= 3 for row in to_text(slice(0, 26)).tolist())
    assert all(len(set(row)) <= 2 for row in to_image(slice(0, 123)).tolist())


def test_large_pools_are_scored_in_stretches_alike(monkeypatch):
    images, texts = RNG.normal(size=(40, 8)), RNG.normal(size=(70, 8))
    texts[3] = texts[5]
    at_once = [of(slice(0, n)) for of, n in zip(both_ways(images, texts), (40, 70))]
    monkeypatch.setattr("evalsuite.retrieval.ranking._LARGEST_MATRIX", 10)
    in_parts = [of(slice(10, 30)) for of in both_ways(images, texts)]
    for whole, part in zip(at_once, in_parts):
        assert part == pytest.approx(whole[10:30])


def test_weighted_medians_are_those_of_repeated_values():
    values = RNG.integers(0, 9, 15).astype(float)
    counts = RNG.multinomial(15, np.full(15, 1 / 15), size=50).astype(float)
    expected = [np.median(np.repeat(values, row.astype(int))) for row in counts]
    assert weighted_median(values, counts).tolist() == expected


def test_pure_chance_ties_everything():
    found = all_tied(Pairs.of([0, 0, 1], [0, 1, 2], 5), 5)
    assert found.right_tied.tolist() == [2, 2, 1]
    assert set(found.tied.tolist()) == {5}
