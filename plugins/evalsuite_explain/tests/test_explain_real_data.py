"""Explanations of models of real texts, held against what people marked or edited."""

from __future__ import annotations

import json

import pytest
from linear_models import BagOfWords

from evalsuite import LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
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
    """The sets in file order, each a list of samples."""
    path = data / "cad_counterfactual" / "test_paired.tsv"
    if not path.exists():
        pytest.skip("no edited reviews here")
    source = installed().require("source", "edited-pairs").load()
    sets: dict[str, list[Sample]] = {}
    for row in source(path=str(path)).rows():
        sets.setdefault(row["pair"], []).append(row)
    return list(sets.values())


HELD_OUT = 188


@pytest.fixture(scope="module")
def linear(reviews):
    """A model of 300 reviews and their edited twins; 188 pairs are held out."""
    trained = [row for own in reviews[HELD_OUT:] for row in own]
    return BagOfWords.trained([row["text"] for row in trained], [row["label"] for row in trained])


def short_reviews(reviews, limit):
    """One of each pair, alternately the first and the second."""
    pairs = [
        own for own in reviews[:HELD_OUT] if max(len(row["text"].split()) for row in own) <= 120
    ]
    return [own[place % 2] for place, own in enumerate(pairs[:limit])]


def test_the_edited_words_are_what_a_model_of_edited_reviews_reads(reviews, linear):
    played = play(LabelPlausibility(explainer="occlusion"), short_reviews(reviews, 20), linear)
    assert not played.failures
    assert played.estimate("plausibility over random").verdict == "differs from null"
    # edits are 12 of 100 words, which is what a blind explainer gets
    random = played.estimate("plausibility: average precision of a random explainer").value
    assert random == pytest.approx(
        played.estimate("share of the words that people marked").value, abs=0.1
    )


def test_what_occlusion_names_decides_a_review(reviews, linear):
    probe = AttributionProbe(explainers=("occlusion",), longest=0, sets=8)
    played = play(probe, short_reviews(reviews, 12), linear)
    assert played.estimate("comprehensiveness over random").low > 0
    kept, random = (
        played.estimate(f"sufficiency{whose}").value for whose in ("", " of a random explainer")
    )
    assert kept < random


def test_occlusion_foresees_a_linear_model_almost_exactly(reviews, linear):
    played = play(
        AttributionProbe(explainers=("occlusion",), longest=0), short_reviews(reviews, 6), linear
    )
    assert played.estimate("sensitivity-n").value > 0.9
    assert abs(played.estimate("sensitivity-n of a random explainer").value) < 0.3
