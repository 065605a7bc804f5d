"""Explanations of models of real texts, pictures and clips, held against what is known of them."""

from __future__ import annotations

import csv
import difflib
import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from evalsuite import Audio, Classification, Classify, Image, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_explain.inputs.words import words_of
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.localisation import ImageLocalisation
from evalsuite_explain.probes.plausibility import ContinuationPlausibility, LabelPlausibility


def answering(name):
    loader, reference = loader_for(name, installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    known = {}

    def answer(request):
        if request.digest not in known:
            known[request.digest] = answer_batch(model, [request])[0]
        return known[request.digest]

    return answer


# ------------------------------------------------------------------------------------------------
# Last words of LAMBADA, by an n-gram model of WikiText-2
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def n_gram(data):
    corpus = data / "wikitext2" / "test.txt"
    if not corpus.exists():
        pytest.skip("no WikiText-2 here")
    return answering(f"ngram:{corpus}")


def passages(data, limit):
    lines = (data / "lambada_rationales" / "annotated_lambada.json").read_text().splitlines()
    rows = [json.loads(line) for line in lines[:limit]]
    return [
        Sample(str(row["lambadaIndex"]), {"text": row["text"], "rationale": row["rationale"]})
        for row in rows
    ]


def test_what_an_n_gram_model_reads_is_found_and_is_not_what_people_marked(data, n_gram):
    rows = passages(data, 12)
    played = play(ContinuationPlausibility(explainer="occlusion"), rows, n_gram)
    assert len(played.records) + len(played.failures) == len(rows)
    assert all(failure.startswith("no rationale") for failure in played.failures)
    # all of a 5-gram model's scores lie on the last four words; people marked others, too
    for record in played.records:
        scores = [score for _, score in json.loads(record["word_scores"])]
        assert not any(scores[:-5])
    assert played.estimate("plausibility: F1 of words").value < 0.6


def test_occlusion_explains_an_n_gram_model_better_than_chance(data, n_gram):
    played = play(
        AttributionProbe(target="continuation", explainers=("occlusion",), longest=0, sets=16),
        passages(data, 8),
        n_gram,
    )
    own, random = played.estimate("infidelity"), played.estimate("infidelity of a random explainer")
    assert own.value < random.value


# ------------------------------------------------------------------------------------------------
# Counterfactually edited reviews, by a linear model of words
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reviews(data):
    with (data / "cad_counterfactual" / "test_paired.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [(rows[i], rows[i + 1]) for i in range(0, len(rows) - 1, 2)]


def edited(own, other):
    """Stretches of characters of the words that were changed to turn the label round."""
    words, others = words_of(own), words_of(other)
    matcher = difflib.SequenceMatcher(
        a=[w for w, _ in words], b=[w for w, _ in others], autojunk=False
    )
    changed = [range(a, b) for kind, a, b, *_ in matcher.get_opcodes() if kind != "equal"]
    return [list(words[i][1]) for stretch in changed for i in stretch]


@pytest.fixture(scope="module")
def linear(reviews):
    trained = [row for pair in reviews[60:] for row in pair]
    counts = CountVectorizer(binary=True)
    matrix = counts.fit_transform([row["Text"] for row in trained])
    fitted = LogisticRegression(C=0.1, max_iter=500)
    fitted.fit(matrix, [row["Sentiment"] for row in trained])

    def answer(request):
        assert isinstance(request, Classify)
        shares = fitted.predict_proba(counts.transform([request.content[0].text]))[0]
        return Classification(tuple(fitted.classes_.tolist()), tuple(shares.tolist()))

    return answer


def short_reviews(reviews, limit):
    pairs = [pair for pair in reviews[:60] if len(pair[0]["Text"].split()) <= 120]
    return [
        Sample(str(i), {"text": own["Text"], "rationale": edited(own["Text"], other["Text"])})
        for i, (own, other) in enumerate(pairs[:limit])
    ]


def test_the_edited_words_are_what_a_model_of_edited_reviews_reads(reviews, linear):
    rows = short_reviews(reviews, 20)
    played = play(LabelPlausibility(explainer="occlusion"), rows, linear)
    assert played.estimate("plausibility over random").verdict == "differs from null"


def test_occlusion_foresees_a_linear_model_almost_exactly(reviews, linear):
    played = play(
        AttributionProbe(explainers=("occlusion",), longest=0), short_reviews(reviews, 6), linear
    )
    assert played.estimate("sensitivity-n").value > 0.9
    assert abs(played.estimate("sensitivity-n of a random explainer").value) < 0.3


# ------------------------------------------------------------------------------------------------
# Pictures and clips that a control model never saw
# ------------------------------------------------------------------------------------------------


def drawings(data, limit):
    """Pictures with the boxes of their circles; three squares of 100 pixels stand 150 apart."""
    folder, made = data / "nlvr_dev", []
    for line in (folder / "dev.json").read_text().splitlines():
        row = json.loads(line)
        boxes = [
            [150 * k + o["x_loc"], o["y_loc"], 150 * k + o["x_loc"] + o["size"], o["y_loc"] + o["size"]]
            for k, square in enumerate(row["structured_rep"])
            for o in square
            if o["type"] == "circle"
        ]  # fmt: skip
        paths = sorted((folder / "images").rglob(f"dev-{row['identifier']}*.png"))
        if boxes and paths:
            fields = {"image": Image(path=paths[0]), "text": "a photo of a circle", "boxes": boxes}
            made.append(Sample(row["identifier"], fields))
        if len(made) == limit:
            break
    return made


def test_where_a_model_of_shapes_looks_for_circles(data):
    rows = drawings(data, 3)
    assert rows
    probe = ImageLocalisation(settings={"n_steps": 4}, grid=4)
    played = play(probe, rows, answering("control:shapes-clean"))
    assert not played.failures
    for record in played.records:
        assert 0 <= record["pointing"] <= 1
        assert 0 < record["area"] < 1
        assert record["mass_lift"] == pytest.approx(record["mass"] / record["area"])


@pytest.mark.slow
def test_environmental_sounds_are_explained_better_than_by_chance(data):
    folder = data / "esc10_fold1"
    clips = [sorted(kind.glob("*.ogg"))[0] for kind in sorted(folder.iterdir()) if kind.is_dir()]
    rows = [
        Sample(clip.stem, {"audio": Audio(path=clip), "label": clip.parent.name[6:].lower()})
        for clip in clips[:2]
    ]
    probe = AttributionProbe(
        medium="audio",
        target="class",
        explainers=("occlusion",),
        subject={"moments": 3, "bands": 1},
        sets=3,
    )
    played = play(probe, rows, answering("control:sounds-clean"))
    assert not played.failures
    own = played.estimate("normalised area of erasing")
    assert own.value > played.estimate("normalised area of erasing of a random explainer").value


@pytest.mark.slow
def test_real_speech_under_occlusion(data):
    pytest.importorskip("pocketsphinx")
    rows = [
        Sample(str(i), {"audio": Audio(path=data / "fleurs_fixtures" / f"fleurs-en-00{i}.ogg")})
        for i in range(1)
    ]
    probe = AttributionProbe(
        medium="audio",
        target="transcript",
        explainers=("occlusion",),
        subject={"moments": 3},
        sets=3,
        longest=0,
        share=0.5,
    )
    played = play(probe, rows, answering("pocketsphinx:en-us"))
    assert not played.failures
    scores = np.array([json.loads(record["map"])[0] for record in played.records])
    # what is taken away is heard no more: every map has moments that hold words
    assert (scores.max(axis=1) > 0).all()
    assert played.estimate("infidelity").value < 1
