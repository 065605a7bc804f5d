"""Skew of rankings: worked numbers, floors, ties, planted groups, vacuous lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Embedding, EmbedImage, EmbedText, Failure, Image, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_fairness.associations.group_similarity import standardised_difference
from evalsuite_fairness.associations.retrieval_skew import AudioRetrievalSkew, ImageRetrievalSkew
from evalsuite_fairness.metrics.skew import divergence, max_skew, ndkl, places, shares

LABELS = np.array([0, 0, 0, 1, 0, 1, 1, 1])
RANKED = -np.arange(8.0)
EQUAL = np.array([0.5, 0.5])


@pytest.mark.parametrize(
    ("k", "expected"),
    [(2, math.log(2)), (4, math.log(1.5)), (8, 0.0)],  # 2 of 2, 3 of 4, 4 of 8 are of group 0
)
def test_max_skew_by_hand(k, expected):
    found = shares(places(RANKED, k), LABELS, 2)
    assert max_skew(found, EQUAL) == pytest.approx(expected)


@pytest.mark.parametrize(("k", "expected"), [(2, 0.693147), (4, 0.598603), (8, 0.412685)])
def test_ndkl_of_the_worked_ranking(k, expected):
    # k = 2: both prefixes hold group 0 alone, so each diverges by ln 2.
    assert ndkl(RANKED, LABELS, EQUAL, k) == pytest.approx(expected, abs=1e-6)


def test_ndkl_equals_the_definition():
    draw = np.random.default_rng(4)
    codes, scores = draw.integers(0, 3, 30), draw.normal(size=30)
    target = np.bincount(codes, minlength=3) / 30
    ranked = codes[np.argsort(-scores)]
    total = weight = 0.0
    for i in range(1, 13):
        share = np.bincount(ranked[:i], minlength=3) / i
        total += sum(p * math.log(p / q) for p, q in zip(share, target) if p) / math.log2(i + 1)
        weight += 1 / math.log2(i + 1)
    assert ndkl(scores, codes, target, 12) == pytest.approx(total / weight, abs=1e-12)


def test_divergence_of_equal_distributions_is_zero():
    assert divergence(EQUAL, EQUAL) == 0


def test_ties_share_the_places_that_are_left():
    # One is above; the three that tie share the last place of two.
    assert places(np.array([5.0, 1.0, 1.0, 1.0, 0.0]), 2) == pytest.approx(
        [1, 1 / 3, 1 / 3, 1 / 3, 0]
    )


def test_a_model_that_ties_everything_is_not_skewed_whatever_the_order():
    constant = np.zeros(8)
    assert max_skew(shares(places(constant, 3), LABELS, 2), EQUAL) == pytest.approx(0.0)
    assert ndkl(constant, LABELS, EQUAL, 3) == pytest.approx(0.0)


def test_order_of_the_media_changes_nothing():
    order = np.random.default_rng(2).permutation(8)
    scores = np.array([3.0, 3, 2, 2, 2, 1, 0, 0])
    assert ndkl(scores[order], LABELS[order], EQUAL, 5) == pytest.approx(
        float(ndkl(scores, LABELS, EQUAL, 5)), abs=1e-12
    )


def test_standardised_difference_by_hand():
    # (2, 4) against (0, 2): means 3 and 1, pooled variance (2 + 2) / 2 = 2, d = 2 / sqrt(2)
    rows = np.array([[2.0, 1], [4, 1], [0, 0], [2, 0]])
    assert standardised_difference(rows, np.ones((1, 4)))[0] == pytest.approx(2**0.5)


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------

N = 120
PICTURES = [
    Image.from_array(np.full((2, 2, 3), i, np.uint8) + np.array([0, 100, 0], np.uint8))
    for i in range(N)
]
SAMPLES = [
    Sample(f"s{i}", {"image": picture, "group": "AB"[i % 2]}) for i, picture in enumerate(PICTURES)
]
PLACE = {picture.digest: i for i, picture in enumerate(PICTURES)}


def leaning(strength: float, seed: int = 0):
    """Vectors at random; group A's lean towards every query by some strength."""
    draw = np.random.default_rng(seed)
    media = draw.normal(size=(N, 16))
    media[::2, 0] += strength

    def answer(request):
        if isinstance(request, EmbedImage):
            vector = media[PLACE[request.image.digest]]
        else:
            vector = np.eye(16)[0] + 0.2 * np.random.default_rng([*request.text.encode()]).normal(
                size=16
            )
        return Embedding((vector / np.linalg.norm(vector)).astype(np.float32))

    return answer


def skew(strength, seed=0, **options):
    probe = ImageRetrievalSkew(**{"ks": (20,), **options})
    return play(probe, SAMPLES, leaning(strength, seed), seed)


def test_the_probe_keeps_the_contract():
    check_probe(ImageRetrievalSkew(ks=(5,)), SAMPLES[:12], leaning(1.0))


def test_skew_grows_with_the_plant():
    found = [skew(strength).estimate("MaxSkew@20").value for strength in (0.5, 1.0, 2.0, 4.0)]
    assert found == sorted(found)
    # All of the top are of a group that has half the media: ln 2 at most.
    assert found[-1] == pytest.approx(math.log(2), abs=0.1)


def test_a_planted_skew_is_found_and_names_the_group():
    played = skew(2.0)
    assert played.estimate("MaxSkew@20").verdict == "differs from null"
    query = next(e for e in played.estimates if e.slice.startswith("query="))
    assert query.extra["most over-represented"] == "A"
    assert query.extra["p_adjusted"] < 0.05


def test_groups_dealt_at_random_stay_inside_the_interval():
    queries = ("a person", "somebody")
    found = [skew(0.0, seed, queries=queries).estimate("MaxSkew@20") for seed in range(100)]
    assert sum(one.verdict == "compatible with null" for one in found) >= 93


def test_several_lengths_are_several_looks_at_one_question():
    """Without a lean, hardly one run in twenty finds any length out of four beyond its interval."""
    ks, queries = (5, 10, 20, 40), ("a person", "somebody")
    found = [skew(0.0, seed, ks=ks, queries=queries) for seed in range(40)]
    wholes = [[played.estimate(f"MaxSkew@{k}") for k in ks] for played in found]
    assert sum(any(e.verdict == "differs from null" for e in each) for each in wholes) <= 4
    for one in wholes[0]:
        assert one.level == pytest.approx(1 - 0.05 / 4)
        assert one.extra["n_comparisons"] == 4
        assert one.extra["p_adjusted"] >= one.extra["p_value"]


def test_queries_that_are_one_to_the_model_are_counted_as_one():
    def knows_no_word(request):
        is_text = isinstance(request, EmbedText)
        return leaning(0.0)(EmbedText("unknown") if is_text else request)

    for model, n in ((leaning(0.0), 2), (knows_no_word, 1)):
        probe = ImageRetrievalSkew(ks=(20,), queries=("a person", "somebody"))
        estimate = play(probe, SAMPLES, model).estimate("MaxSkew@20")
        assert estimate.extra["n_queries"] == 2
        assert estimate.extra["n_distinct_queries"] == n


def test_no_skew_has_a_positive_floor():
    estimate = skew(0.0).estimate("MaxSkew@20")
    assert estimate.null.value > 0.05
    assert abs(estimate.extra["excess_over_null"]) < 3 * estimate.extra["null_sd"]


def test_the_whole_list_is_refused_where_published_code_saw_labels_only():
    # 5 of 7 media are of one group. Over all seven the shares are 5/7 and 2/7 for any model, and
    # ln(5/7 / 1/2) = 0.357 would be reported as its skew (0.336472 on the data of Berg et al.'s
    # code, whose default is the whole list).
    samples = [
        Sample(s.id, {**s.fields, "group": "A" if i < 5 else "B"})
        for i, s in enumerate(SAMPLES[:7])
    ]
    probe = ImageRetrievalSkew(ks=(7,), target="uniform")
    estimate = play(probe, samples, leaning(0.0)).estimate("MaxSkew@7")
    assert math.isnan(estimate.value)
    assert "depend on the labels alone" in estimate.reason


def test_one_group_is_undefined():
    samples = [Sample(s.id, {**s.fields, "group": "A"}) for s in SAMPLES]
    estimate = play(ImageRetrievalSkew(ks=(20,)), samples, leaning(0.0)).estimate("MaxSkew@20")
    assert "fewer than two groups" in estimate.reason


def test_long_vectors_are_no_advantage():
    def answer(request):
        found = leaning(0.0)(request)
        is_group_a = isinstance(request, EmbedImage) and PLACE[request.image.digest] % 2 == 0
        return Embedding(found.vector * (10.0 if is_group_a else 1.0))

    plain, long = (
        play(ImageRetrievalSkew(ks=(20,)), SAMPLES, model).estimate("MaxSkew@20").value
        for model in (leaning(0.0), answer)
    )
    assert long == pytest.approx(plain, abs=1e-6)


def test_a_persons_pictures_are_dealt_together():
    # Four people with thirty pictures each: chance alone skews far more than with 120 people.
    def null_sd(person):
        samples = [Sample(s.id, {**s.fields, "person": person(i), "group": "AB"[(i // 30) % 2]})
                   for i, s in enumerate(SAMPLES)]  # fmt: skip
        probe = ImageRetrievalSkew(ks=(20,), cluster_by="person")
        return play(probe, samples, leaning(0.0)).estimate("MaxSkew@20").extra["null_sd"]

    assert null_sd(lambda i: f"p{i // 30}") != null_sd(lambda i: f"p{i}")


def test_a_model_that_refuses_is_not_fair():
    def refusing(request):
        return leaning(0.0)(request) if isinstance(request, EmbedText) else Failure("refused", "no")

    estimates = play(ImageRetrievalSkew(ks=(20,)), SAMPLES, refusing).estimates
    assert all(math.isnan(e.value) for e in estimates)
    assert estimates[0].n_failed == N


def test_clips_are_ranked_as_well():
    assert AudioRetrievalSkew().searched[0] == "the voice of a person who is honest"


@pytest.fixture(scope="module")
def digits():
    loader, reference = loader_for("control:digits-clean", installed())
    model = loader.load(reference, LoadSettings(device="cpu", dtype="float32", threads=1))
    source = installed().require("source", "control/digits").load()(limit=200)
    samples = [
        Sample(r.id, {"image": r["image"], "group": "AB"[i % 2]})
        for i, r in enumerate(source.rows())
    ]
    return model, samples


def test_a_lean_planted_in_a_real_model_is_recovered_in_order(digits):
    """Group A's vectors move towards the queries' mean by beta."""
    model, samples = digits
    probe = ImageRetrievalSkew(
        queries=tuple(f"a {word} digit" for word in ("seven", "small", "round")), ks=(50,)
    )
    texts = model.embed_text([EmbedText(query) for query in probe.searched])
    axis = np.mean([text.vector for text in texts], axis=0)
    in_a = {s["image"].digest for s in samples if s["group"] == "A"}

    def planted(beta):
        def answer(request):
            if isinstance(request, EmbedText):
                return model.embed_text([request])[0]
            vector = model.embed_image([request])[0].vector
            return Embedding(vector + beta * axis if request.image.digest in in_a else vector)

        return play(probe, samples, answer).estimate("MaxSkew@50")

    found = [planted(beta) for beta in (0.0, 0.1, 0.25, 0.5, 1.0)]
    assert [one.value for one in found] == sorted(one.value for one in found)
    assert found[0].verdict == "compatible with null"
    assert found[-1].verdict == "differs from null"
