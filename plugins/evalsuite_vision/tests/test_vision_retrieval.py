"""Retrieval: ties are worth their expectation, chance is chance, and a plain reading agrees."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from itertools import pairwise, permutations

import numpy as np
import pytest

from evalsuite import DataError, Embedding, EmbedImage, Image, Sample
from evalsuite.testing import check_probe, play
from evalsuite_vision.metrics import expectation
from evalsuite_vision.metrics.expectation import First
from evalsuite_vision.metrics.median_rank import weighted_median
from evalsuite_vision.metrics.ranking import Pairs, all_tied, both_ways, standing
from evalsuite_vision.tasks.retrieval import Retrieval, right_pairs

RNG = np.random.default_rng(0)
WAYS = ("image to text", "text to image")


def picture(number: int) -> Image:
    return Image.from_array(np.full((2, 2, 3), number, np.uint8))


def samples(count: int, captions: int = 1) -> list[Sample]:
    return [
        Sample(
            str(i), {"image": picture(i), "caption": [f"caption {i} {j}" for j in range(captions)]}
        )
        for i in range(count)
    ]


def constant(request):
    # a vector that no product of matrices is sure to round alike everywhere
    return Embedding(np.linspace(0.01, 0.3, 37, dtype=np.float32))


def perfect_for(rows):
    place = {row["image"]: i for i, row in enumerate(rows)}
    vectors = np.eye(len(rows), dtype=np.float32)

    def answer(request):
        if isinstance(request, EmbedImage):
            return Embedding(vectors[place[request.image]])
        return Embedding(vectors[int(request.text.split()[1])])

    return answer


# ------------------------------------------------------------------------------------------------
# Expectations over random orders of ties
# ------------------------------------------------------------------------------------------------


def by_enumeration(scores, right, k):
    """Means over all orders that scores allow: rank, reciprocal rank, precision, recall."""
    orders = [
        order
        for order in permutations(range(len(scores)))
        if all(scores[a] >= scores[b] for a, b in pairwise(order))
    ]
    found = []
    for order in orders:
        places = [i for i, candidate in enumerate(order, start=1) if candidate in right]
        precision = [Fraction(n, place) for n, place in enumerate(places, start=1)]
        found.append(
            (places[0], Fraction(1, places[0]), sum(precision) / len(places), places[0] <= k)
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
    monkeypatch.setattr("evalsuite_vision.metrics.ranking._LARGEST_MATRIX", 10)
    in_parts = [of(slice(10, 30)) for of in both_ways(images, texts)]
    for whole, part in zip(at_once, in_parts):
        assert part == pytest.approx(whole[10:30])


def test_two_thousand_images_rank_among_ten_thousand_captions_at_once():
    images = RNG.normal(size=(2000, 64)).astype(np.float32)
    texts = RNG.normal(size=(10_000, 64)).astype(np.float32)
    records = [
        {"image_id": str(i), "captions": "", "_captions": [f"{i} {j}" for j in range(5)],
         "_image": images[i], "_texts": texts[5 * i : 5 * i + 5]}
        for i in range(2000)
    ]  # fmt: skip
    begin = time.process_time()
    Retrieval().tabulate(records, None, RNG)
    assert time.process_time() - begin < 3  # 0.3 s where nothing else runs


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------


def test_the_retrieval_contract_is_kept():
    check_probe(Retrieval(), samples(40), constant)
    check_probe(Retrieval(), samples(12, captions=3), perfect_for(samples(12)))


def test_a_constant_model_retrieves_at_chance():
    # 40 captions and as many images, all tied: the expected rank is (1 + 40) / 2 = 20.5, and the
    # right one is among the first k of 40 with probability k / 40
    played = play(Retrieval(), samples(40), constant)
    assert {r["image_to_text_rank"] for r in played.records} == {20.5}
    for way in WAYS:
        for k in (1, 5, 10):
            estimate = played.estimate(f"R@{k} {way}")
            assert estimate.value == estimate.null.value == pytest.approx(k / 40, abs=1e-12)
        for name in ("MRR", "mAP", "median rank"):
            estimate = played.estimate(f"{name} {way}")
            assert estimate.value == estimate.null.value
    # 2 (1 + 5 + 10) / 40, in percent
    assert played.estimate("rsum").value == pytest.approx(80)
    assert played.estimate("rsum").null.value == pytest.approx(80)


def test_chance_counts_every_right_caption():
    # 5 of 50 captions are right: the first is right with 5/50, and one of the first five is with
    # 1 - (45 44 43 42 41) / (50 49 48 47 46)
    played = play(Retrieval(), samples(10, captions=5), constant)
    expected = 1 - np.prod([45, 44, 43, 42, 41]) / np.prod([50, 49, 48, 47, 46])
    for k, chance in ((1, 0.1), (5, expected)):
        estimate = played.estimate(f"R@{k} image to text")
        assert estimate.value == estimate.null.value == pytest.approx(chance)
    assert played.estimate("R@1 text to image").value == pytest.approx(0.1)


def test_a_perfect_model_retrieves_everything():
    rows = samples(20, captions=3)
    played = play(Retrieval(), rows, perfect_for(rows))
    for way in WAYS:
        for name in ("R@1", "R@5", "R@10", "MRR", "mAP", "median rank"):
            assert played.estimate(f"{name} {way}").value == 1.0
    assert played.estimate("rsum").value == 600.0
    assert played.estimate("median rank image to text").verdict == "differs from null"


def test_equal_captions_are_right_for_each_others_images():
    rows = [Sample(str(i), {"image": picture(i), "caption": f"class {i % 2}"}) for i in range(6)]
    vectors = np.eye(2, dtype=np.float32)

    def answer(request):
        if isinstance(request, EmbedImage):
            return Embedding(vectors[int(request.image.load().getpixel((0, 0))[0]) % 2])
        return Embedding(vectors[int(request.text[-1])])

    played = play(Retrieval(), rows, answer)
    assert played.estimate("mAP image to text").value == 1.0
    assert played.estimate("R@1 text to image").value == 1.0


def test_a_caption_may_hold_a_line_break():
    rows = [Sample(str(i), {"image": picture(i), "caption": f"two\nlines {i}"}) for i in range(3)]
    played = play(Retrieval(), rows, constant)
    assert played.estimate("R@1 image to text").value == pytest.approx(1 / 3)


def test_the_median_is_over_captions_not_over_images():
    # image 0 is found first by its captions; image 1 comes second for each of its three
    rows = [
        Sample("0", {"image": picture(0), "caption": ["a", "b"]}),
        Sample("1", {"image": picture(1), "caption": ["c", "d", "e"]}),
    ]
    vectors = np.eye(2, dtype=np.float32)

    def answer(request):
        is_second = isinstance(request, EmbedImage) and request.image == picture(1)
        return Embedding(vectors[int(is_second)])

    played = play(Retrieval(), rows, answer)
    assert json.loads(played.records[1]["text_to_image_ranks"]) == [2.0, 2.0, 2.0]
    assert played.estimate("median rank text to image").value == 2.0  # of 1 1 2 2 2


def test_weighted_medians_are_those_of_repeated_values():
    values = RNG.integers(0, 9, 15).astype(float)
    counts = RNG.multinomial(15, np.full(15, 1 / 15), size=50).astype(float)
    expected = [np.median(np.repeat(values, row.astype(int))) for row in counts]
    assert weighted_median(values, counts).tolist() == expected


def test_pure_chance_ties_everything():
    found = all_tied(Pairs.of([0, 0, 1], [0, 1, 2], 5), 5)
    assert found.right_tied.tolist() == [2, 2, 1]
    assert set(found.tied.tolist()) == {5}


def test_an_image_without_caption_is_refused():
    with pytest.raises(DataError, match="at least one"):
        play(Retrieval(), [Sample("0", {"image": picture(0), "caption": []})], constant)
