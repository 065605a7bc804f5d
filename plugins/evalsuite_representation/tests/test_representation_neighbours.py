"""Nearest neighbours: as scikit-learn votes, ties by their expectation, copies never a neighbour."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from evalsuite import Embedding, Sample
from evalsuite.testing import check_probe, play
from evalsuite_representation.neighbours import WeightedNeighbours


def texts(labels, **more) -> list[Sample]:
    return [
        Sample(f"s{i:03}", {"text": f"t{i}", "label": name, **{k: v[i] for k, v in more.items()}})
        for i, name in enumerate(labels)
    ]


def table(vectors):
    rows = np.asarray(vectors, dtype=np.float32)
    return lambda request: Embedding(rows[int(request.text[1:])])


def noise(request) -> Embedding:
    vector = np.random.default_rng(zlib.crc32(request.text.encode())).normal(size=8)
    return Embedding((vector / np.linalg.norm(vector)).astype(np.float32))


def constant(request) -> Embedding:
    return Embedding(np.full(4, 0.5, np.float32))


def test_the_vote_is_sklearns_with_the_same_weights():
    rng = np.random.default_rng(0)
    labels = rng.choice(list("abc"), 200)
    points = rng.normal(size=(200, 8)) + 0.8 * np.eye(3, 8)[[ord(n) - 97 for n in labels]]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    theirs = KNeighborsClassifier(
        20, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.07)
    ).fit(points[:150], labels[:150])
    split = ["train"] * 150 + ["test"] * 50
    played = play(
        WeightedNeighbours(medium="text", split="split"), texts(labels, split=split), table(points)
    )
    tested = played.records[150:]
    assert [r["predicted"] for r in tested] == list(theirs.predict(points[150:]))
    expected = theirs.predict_proba(points[150:])
    column = [list(theirs.classes_).index(r["target"]) for r in tested]
    assert [r["probability"] for r in tested] == pytest.approx(
        expected[range(50), column], abs=1e-4
    )
    assert played.estimate("accuracy").n == 50


def test_a_near_neighbour_outvotes_two_far_ones():
    # exp(1 / 0.07) against 2 exp(0.5 / 0.07): e^14.3 > 2 e^7.1
    split = ["train"] * 3 + ["test"]
    vectors = [[1, 0], [0.5, 0.75**0.5], [0.5, -(0.75**0.5)], [1, 0]]
    probe = WeightedNeighbours(medium="text", split="split", k=3)
    record = play(probe, texts("abba", split=split), table(vectors)).records[3]
    assert (record["predicted"], record["correct"]) == ("a", 1.0)
    even = WeightedNeighbours(medium="text", split="split", k=3, temperature=100)
    assert play(even, texts("abba", split=split), table(vectors)).records[3]["correct"] == 0.0


def test_separate_classes_are_found_without_a_mistake():
    labels = list("abc") * 25
    played = play(
        WeightedNeighbours(medium="text"), texts(labels), table(np.eye(3)[[0, 1, 2] * 25])
    )
    accuracy = played.estimate("accuracy")
    assert accuracy.value == 1.0
    assert accuracy.verdict == "differs from null"
    assert played.estimate("mean per-class recall").value == 1.0


@pytest.mark.parametrize("counts", [(40, 40, 40), (70, 30, 20)])
@pytest.mark.parametrize("split", ["", "split"])
def test_equal_vectors_score_exactly_chance(counts, split):
    labels = [name for name, n in zip("abc", counts) for _ in range(n)]
    parts = ["train" if i % 2 else "test" for i in range(len(labels))]
    probe = WeightedNeighbours(medium="text", split=split)
    accuracy = play(probe, texts(labels, split=parts), constant).estimate("accuracy")
    assert accuracy.value == pytest.approx(accuracy.null.value, abs=1e-12)
    if split and counts == (40, 40, 40):
        assert accuracy.value == pytest.approx(1 / 3, abs=1e-9)


def test_a_vote_that_ends_even_is_worth_its_share():
    # the two neighbours are equally near and of two classes: half
    vectors = [[1, 0], [0, 1], [0.5**0.5, 0.5**0.5]]
    probe = WeightedNeighbours(medium="text", split="split", k=2)
    samples = texts("aba", split=["train", "train", "test"])
    assert play(probe, samples, table(vectors)).records[2]["correct"] == 0.5
    # one place for two that tie draws lots: half again
    one = WeightedNeighbours(medium="text", split="split", k=1)
    assert play(one, samples, table(vectors)).records[2]["correct"] == 0.5


@pytest.mark.parametrize(("labels", "floor"), [("ab" * 60, -0.05), ("aab" * 40, -0.15)])
def test_labels_at_random_are_chance_and_never_more(labels, floor):
    # Unequal weights act like fewer voters, who follow the most frequent of uneven classes less.
    excess = []
    for seed in range(10):
        shuffled = list(np.random.default_rng(seed).permutation(list(labels)))
        played = play(WeightedNeighbours(medium="text"), texts(shuffled), noise)
        estimate = played.estimate("accuracy")
        assert estimate.verdict == "compatible with null"
        excess.append(estimate.value - estimate.null.value)
    # 1,200 votes in all, but of the same vectors: a standard error of about 0.015
    assert floor < np.mean(excess) < 0.05


def test_copies_and_members_of_a_group_are_no_neighbours():
    labels, who = "aabb", ["x", "x", "y", "y"]
    probe = WeightedNeighbours(medium="text", group="speaker", k=1)
    vectors = [[1, 0], [1, 0], [0, 1], [0, 1]]
    played = play(probe, texts(labels, speaker=who), table(vectors))
    assert [r["correct"] for r in played.records] == [0, 0, 0, 0]
    copies = [Sample(str(i), {"text": t, "label": n}) for i, (t, n) in enumerate(
        [("x", "a"), ("x", "a"), ("y", "b"), ("y", "b")])]  # fmt: skip
    played = play(WeightedNeighbours(medium="text", k=1), copies, noise)
    assert [r["correct"] for r in played.records] == [0, 0, 0, 0]


def test_without_neighbours_there_is_a_reason():
    estimate = play(WeightedNeighbours(medium="text"), texts("a"), constant).estimate("accuracy")
    assert math.isnan(estimate.value)
    assert "neighbour" in estimate.reason
    with pytest.raises(ValueError, match="k must be"):
        WeightedNeighbours(k=0)
    with pytest.raises(ValueError, match="temperature"):
        WeightedNeighbours(temperature=0)


def test_the_contract_is_kept():
    check_probe(WeightedNeighbours(medium="text", k=3), texts("abc" * 10), noise)
    check_probe(WeightedNeighbours(medium="text", k=3), texts("abc" * 10), constant)
