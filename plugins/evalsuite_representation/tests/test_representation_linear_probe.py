"""Linear probes: what can be read is read, what cannot is chance, nothing tested is learned."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from evalsuite import Audio, EmbedAudio, Embedding, EmbedImage, EmbedText, Failure, Image, Sample
from evalsuite.testing import check_probe, play
from evalsuite_representation.linear_probe import LinearProbe
from evalsuite_representation.logistic import LogisticProbe, standardised
from evalsuite_representation.splits import balanced_shots, stratified_folds, units_of


def texts(labels, **more) -> list[Sample]:
    return [
        Sample(f"s{i:03}", {"text": f"t{i}", "label": name, **{k: v[i] for k, v in more.items()}})
        for i, name in enumerate(labels)
    ]


def cloud(labels, gap: float, seed: int = 0, dimensions: int = 8):
    """Unit vectors by text: noise, moved along one axis per class."""
    names = sorted(set(labels))
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(len(labels), dimensions))
    for i, name in enumerate(labels):
        points[i, names.index(name)] += gap
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return lambda request: Embedding(points[int(request.text[1:])].astype(np.float32))


def constant(request) -> Embedding:
    return Embedding(np.full(16, 0.25, np.float32))


PROBE = LinearProbe(medium="text", inverse_penalties=(0.01, 1.0))


def test_the_fit_is_sklearns_on_standardised_vectors():
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(2, 3, (60, 5)), np.repeat(["a", "b", "c"], 20)
    vectors[:, 0] += labels == "a"
    other = rng.normal(2, 3, (30, 5))
    scaler = StandardScaler().fit(vectors)
    theirs = LogisticRegression(C=0.3, max_iter=1000).fit(scaler.transform(vectors), labels)
    ours = LogisticProbe.fit(vectors, labels, 0.3).judge(other, np.full(30, "b"))
    expected = theirs.predict_proba(scaler.transform(other))[:, 1]
    assert ours.probability == pytest.approx(expected, abs=1e-6)
    assert list(ours.predicted) == list(theirs.predict(scaler.transform(other)))


def test_standardisation_knows_the_training_rows_only_and_keeps_constants_still():
    train = np.array([[0.0, 0.1], [2.0, 0.1 + 1e-9]])
    scaled, other = standardised(train, np.array([[4.0, 7.0]]))
    assert scaled.tolist() == [[-1, 0], [1, 0]]
    assert other.tolist() == [[3, 0]]


def test_separable_classes_are_read_without_a_mistake():
    labels = list("abc") * 20
    played = play(PROBE, texts(labels), cloud(labels, 40.0))
    accuracy = played.estimate("accuracy")
    assert accuracy.value == 1.0
    assert accuracy.verdict == "differs from null"
    assert accuracy.null.value == pytest.approx(1 / 3)
    assert played.estimate("mean per-class recall").value == 1.0
    assert {r["predicted"] for r in played.records} == set("abc")
    assert not any(name.startswith("_") for r in played.records for name in r)


@pytest.mark.parametrize("counts", [(20, 20, 20), (30, 20, 10)])
def test_equal_vectors_score_exactly_chance(counts):
    # Without the vectors only the intercepts are left: equal ones tie (1/3 each), otherwise the
    # most frequent training class is predicted, which here is also the most frequent tested one.
    labels = [name for name, n in zip("abc", counts) for _ in range(n)]
    probe = LinearProbe(medium="text", inverse_penalties=(1.0,), shots=(1, 4), folds=5)
    played = play(probe, texts(labels), constant)
    accuracy = played.estimate("accuracy")
    assert accuracy.value == pytest.approx(max(counts) / sum(counts), abs=1e-12)
    assert accuracy.value == pytest.approx(accuracy.null.value, abs=1e-12)
    recall = played.estimate("mean per-class recall")
    assert (recall.value, recall.null.value) == pytest.approx((1 / 3, 1 / 3))
    for shots in ("1 shot", "4 shots"):
        few = played.estimate(f"accuracy with {shots} per class")
        assert (few.value, few.null.value) == pytest.approx((1 / 3, 1 / 3), abs=1e-12)


def test_labels_at_random_are_chance():
    excess = []
    for seed in range(8):
        labels = list(np.random.default_rng(seed).permutation(list("ab") * 40))
        played = play(PROBE, texts(labels), cloud(["a", "b"] * 40, 3.0, seed))
        estimate = played.estimate("accuracy")
        assert estimate.verdict == "compatible with null"
        excess.append(estimate.value - estimate.null.value)
    # 640 tested samples in all: a standard error of 0.02
    assert abs(np.mean(excess)) < 0.06


def test_more_shots_read_more():
    labels = list("abcd") * 30
    played = play(
        LinearProbe(medium="text", inverse_penalties=(0.1,), shots=(1, 16)),
        texts(labels),
        cloud(labels, 2.5),
    )
    one, many = (
        played.estimate(f"accuracy with {n} per class").value for n in ("1 shot", "16 shots")
    )
    assert 0.25 < one < many
    assert many <= played.estimate("accuracy").value + 0.1


def test_too_many_shots_are_undefined_with_a_reason():
    labels = list("ab") * 5
    played = play(
        LinearProbe(medium="text", inverse_penalties=(1.0,), shots=(8,)),
        texts(labels),
        cloud(labels, 9.0),
    )
    few = played.estimate("accuracy with 8 shots per class")
    assert math.isnan(few.value)
    assert "'a' has 4 training samples, fewer than 8" in few.reason


def test_a_declared_split_is_kept():
    labels = list("ab") * 20
    split = ["train"] * 30 + ["test"] * 10
    probe = LinearProbe(medium="text", split="split", inverse_penalties=(1.0,))
    played = play(probe, texts(labels, split=split), cloud(labels, 9.0))
    assert played.estimate("accuracy").n == 10
    assert [r["correct"] is None for r in played.records] == [True] * 30 + [False] * 10


def test_a_group_on_both_sides_is_not_learned_from():
    labels = list("ab") * 10
    who = ["x", "x", "y", "y", *["z"] * 16]
    split = ["test", "test", *["train"] * 18]
    samples = texts(labels, split=split, speaker=["x", "x", "x", "x", *who[4:]])
    probe = LinearProbe(medium="text", split="split", group="speaker", inverse_penalties=(1.0,))
    played = play(probe, samples, cloud(labels, 9.0))
    assert [r["role"][:8] for r in played.records[:5]] == [
        "test", "test", "left out", "left out", "train",
    ]  # fmt: skip


def test_folds_keep_groups_whole_and_classes_even():
    rng = np.random.default_rng(0)
    labels = np.array(list("ab") * 50)
    folds = stratified_folds(labels, np.arange(100), 5, rng)
    assert all((labels[folds == f] == "a").sum() == 10 for f in range(5))
    units = np.arange(100) // 4
    folds = stratified_folds(labels, units, 5, rng)
    assert all(len(set(folds[units == u])) == 1 for u in range(25))


def test_copies_and_groups_join_into_units():
    # rows 0 and 1 share a speaker, 1 and 2 a picture: all three stay together
    assert units_of(["p", "p", "q", "r"], ["1", "2", "2", "3"]).tolist() == [0, 0, 0, 1]


def test_a_speaker_who_says_one_word_cannot_be_recognised_by_voice():
    # Vectors hold the speaker and nothing else; each speaker says one label only.
    labels = [name for name in "ab" for _ in range(40)]
    who = [f"{name}{i % 4}" for name in "ab" for i in range(40)]
    rng = np.random.default_rng(0)
    voice = {name: rng.normal(size=16) for name in sorted(set(who))}

    def heard(request):
        vector = voice[who[int(request.text[1:])]]
        return Embedding((vector / np.linalg.norm(vector)).astype(np.float32))

    samples = texts(labels, speaker=who)
    apart = play(
        LinearProbe(medium="text", group="speaker", folds=4, inverse_penalties=(1.0,)),
        samples,
        heard,
    )
    mixed = play(LinearProbe(medium="text", folds=4, inverse_penalties=(1.0,)), samples, heard)
    assert mixed.estimate("accuracy").value == 1.0
    assert apart.estimate("accuracy").verdict == "compatible with null"
    assert apart.estimate("accuracy").unit == "speaker"


def test_fewer_shots_are_among_more():
    labels = np.array(list("ab") * 20)
    one = balanced_shots(labels, 1, np.random.default_rng(3))
    four = balanced_shots(labels, 4, np.random.default_rng(3))
    assert all(set(one[name]) < set(four[name]) for name in "ab")


def test_one_label_or_nothing_to_test_is_undefined():
    same = play(PROBE, texts("aaaaaa"), constant).estimate("accuracy")
    assert "one label only" in same.reason
    probe = LinearProbe(medium="text", split="split")
    untested = play(probe, texts("ab", split=["train"] * 2), constant)
    for name in ("accuracy", "mean per-class recall"):
        assert "no sample is left to test" in untested.estimate(name).reason


@pytest.mark.parametrize(
    ("medium", "part", "kind"),
    [
        ("image", Image.from_array(np.zeros((4, 4, 3), np.uint8)), EmbedImage),
        ("audio", Audio.from_array(np.zeros(8, np.float32), 8000), EmbedAudio),
        ("text", "words", EmbedText),
    ],
)
def test_each_medium_has_its_request(medium, part, kind):
    probe = LinearProbe(medium=medium)
    assert probe.needs == (kind,)
    assert probe.fields == (medium, "label")
    asked = play(probe, [Sample("0", {medium: part, "label": "a"})], constant).requests
    assert [type(request) for request in asked] == [kind]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"medium": "video"}, "image, audio, text"),
        ({"folds": 1}, "folds"),
        ({"inverse_penalties": ()}, "inverse_penalties"),
        ({"shots": (0,)}, "shots"),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LinearProbe(**options)


def test_the_contract_is_kept():
    labels = list("abc") * 10

    def noise(request):
        rng = np.random.default_rng(zlib.crc32(request.text.encode()))
        return Embedding(rng.normal(size=4).astype(np.float32))

    probe = LinearProbe(medium="text", inverse_penalties=(0.1, 1.0), shots=(1, 2))
    check_probe(probe, texts(labels), noise)
    some = play(probe, texts(labels), lambda r: Failure("x", "y") if r.text == "t0" else noise(r))
    assert (some.estimate("accuracy").n, some.estimate("accuracy").n_failed) == (29, 1)
