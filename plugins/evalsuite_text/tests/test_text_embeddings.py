"""Nearest neighbours and similarity of sentence vectors."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from evalsuite import Embedding, Failure, Sample
from evalsuite.testing import check_probe, play
from evalsuite_text.tasks.embeddings_knn import NearestNeighbours
from evalsuite_text.tasks.similarity import SentenceSimilarity


def embedding(vectors: dict[str, list[float]]):
    return lambda request: Embedding(np.asarray(vectors[request.text], dtype=np.float32))


def texts(labels: str, **more) -> list[Sample]:
    return [
        Sample(str(i), {"text": f"t{i}", "label": n, **{k: v[i] for k, v in more.items()}})
        for i, n in enumerate(labels)
    ]


def test_votes_of_hand_placed_texts() -> None:
    # unit vectors at 0, 10, 20 (a a b) and 90, 100 (b b) degrees; the two nearest of each vote:
    # t0: a(10) b(20): tied, and 10 is nearer: a, right. t1: a b at 10 each: half.
    # t2: a(10) a(20): a, wrong. t3: b(10), b(70): b, right. t4: b(10), b(80): right
    degrees = dict(zip(["t0", "t1", "t2", "t3", "t4"], [0, 10, 20, 90, 100]))
    vectors = {
        t: [math.cos(math.radians(d)), math.sin(math.radians(d))] for t, d in degrees.items()
    }
    played = play(NearestNeighbours(k=2), texts("aabbb"), embedding(vectors))
    assert [r["correct"] for r in played.records] == [1, 0.5, 0, 1, 1]
    accuracy = played.estimate("accuracy")
    assert (accuracy.value, accuracy.null.value) == pytest.approx((0.7, 0.6))
    assert played.records[3]["similarity"] == pytest.approx(math.cos(math.radians(10)), abs=1e-5)
    assert "vector" not in played.records[0]


def cloud(seed: int, n: int, gap: float):
    rng = np.random.default_rng(seed)
    labels = rng.choice(list("ab"), n)
    points = rng.normal(size=(n, 8)) + gap * (labels == "b")[:, None]
    return "".join(labels), {f"t{i}": row / np.linalg.norm(row) for i, row in enumerate(points)}


def test_a_split_classifies_as_sklearn_does() -> None:
    labels, vectors = cloud(0, 200, 0.8)
    split = ["train"] * 120 + ["test"] * 80
    played = play(
        NearestNeighbours(k=5, split="split"), texts(labels, split=split), embedding(vectors)
    )
    matrix = np.array([vectors[f"t{i}"] for i in range(200)])
    theirs = KNeighborsClassifier(5, metric="cosine", algorithm="brute")
    theirs.fit(matrix[:120], list(labels[:120]))
    assert [r["predicted"] for r in played.records[120:]] == list(theirs.predict(matrix[120:]))
    assert played.estimate("accuracy").n == 80
    assert all(r["correct"] is None for r in played.records[:120])


def test_classes_are_found_and_noise_is_not() -> None:
    labels, vectors = cloud(1, 200, 1.0)
    assert (
        play(NearestNeighbours(), texts(labels), embedding(vectors)).estimate("accuracy").verdict
        == "differs from null"
    )
    labels, vectors = cloud(2, 200, 0.0)
    for answer in (embedding(vectors), lambda _: Embedding(np.ones(4, np.float32) / 2)):
        noise = play(NearestNeighbours(), texts(labels), answer)
        for name in ("accuracy", "balanced accuracy", "macro-F1"):
            assert noise.estimate(name).verdict != "differs from null", name


def test_a_copy_of_a_text_is_not_its_neighbour() -> None:
    samples = [
        Sample(str(i), {"text": t, "label": n})
        for i, (t, n) in enumerate([("x", "a"), ("x", "a"), ("y", "b"), ("y", "b")])
    ]
    vectors = {"x": [1.0, 0.0], "y": [0.0, 1.0]}
    played = play(NearestNeighbours(k=1), samples, embedding(vectors))
    assert [r["correct"] for r in played.records] == [0, 0, 0, 0]


def test_without_neighbours_there_is_no_accuracy() -> None:
    played = play(NearestNeighbours(), texts("a"), embedding({"t0": [1.0]}))
    estimate = played.estimate("accuracy")
    assert math.isnan(estimate.value)
    assert estimate.reason
    with pytest.raises(ValueError, match="k must be"):
        NearestNeighbours(k=0)


def graded(n: int) -> list[Sample]:
    return [
        Sample(str(i), {"sentence1": f"a{i}", "sentence2": f"b{i}", "score": i / n})
        for i in range(n)
    ]


def angled(request) -> Embedding:
    """The second sentence of a pair stands at an angle that falls with the score."""
    number = int(request.text[1:])
    angle = 0.0 if request.text[0] == "a" else 1.5 * (1 - number / 60)
    return Embedding(np.array([math.cos(angle), math.sin(angle)], dtype=np.float32))


def noise(request) -> Embedding:
    vector = np.random.default_rng(zlib.crc32(request.text.encode())).normal(size=16)
    return Embedding((vector / np.linalg.norm(vector)).astype(np.float32))


def test_similarity_that_follows_the_grades_is_found_and_noise_is_not() -> None:
    found = play(SentenceSimilarity(), graded(60), angled)
    assert found.estimate("Spearman correlation").value == pytest.approx(1)
    assert found.estimate("Pearson correlation").value == pytest.approx(0.98, abs=0.02)
    still = play(SentenceSimilarity(), graded(120), noise)
    for name in ("Spearman correlation", "Pearson correlation"):
        assert still.estimate(name).verdict == "compatible with null"
    flat = play(SentenceSimilarity(), graded(9), lambda _: Embedding(np.ones(2, np.float32)))
    assert "does not vary" in flat.estimate("Spearman correlation").reason


@pytest.mark.parametrize(
    ("probe", "samples", "answer"),
    [
        (NearestNeighbours(k=3), texts(cloud(3, 30, 0.5)[0]), embedding(cloud(3, 30, 0.5)[1])),
        (SentenceSimilarity(), graded(20), noise),
    ],
)
def test_the_contract_is_kept(probe, samples, answer) -> None:
    check_probe(probe, samples, answer)
    refused = play(probe, samples, lambda _: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in refused.estimates)
