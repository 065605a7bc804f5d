"""Explanations of one label and of another: who does not look at the label is found out."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
import torch

from evalsuite import (
    Attribute,
    Attribution,
    Classification,
    Classify,
    ContinuationScore,
    EmbedImage,
    EmbedText,
    Image,
    LoadSettings,
    LogLikelihood,
    Sample,
    SimilarityScale,
    UsageError,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite.zero_shot import Classes, class_vectors
from evalsuite_controls.data import digits
from evalsuite_controls.sources import Digits, Reviews, Sounds
from evalsuite_explain.inputs.words import words_of
from evalsuite_explain.measures.randomisation import random_logit
from evalsuite_explain.probes.random_logit import RandomLogit
from evalsuite_explain.targets import ClassScore

CHANGED = "explanation changed with the label"


def test_similarity_to_other_labels_by_hand():
    # against 3 2 1: -1; against 1 3 2: 1 - 6 (0 + 1 + 1) / (3 * 8) = 0.5
    assert random_logit([1, 2, 3], [[3, 2, 1]]) == pytest.approx(-1.0, abs=1e-9)
    assert random_logit([1, 2, 3], [[3, 2, 1], [1, 3, 2]]) == pytest.approx(-0.25, abs=1e-9)
    assert random_logit([1, 2, 3], [[10, 20, 30]]) == pytest.approx(1.0, abs=1e-9)


def test_scores_that_rank_nothing_are_like_no_others():
    assert math.isnan(random_logit([1, 1, 1], [[3, 2, 1]]))
    assert math.isnan(random_logit([1, 2, 3], [[0, 0, 0]]))
    assert random_logit([1, 2, 3], [[0, 0, 0], [1, 2, 3]]) == 1.0


# ------------------------------------------------------------------------------------------------
# A linear model of words, whose explanations are its weights
# ------------------------------------------------------------------------------------------------

LABELS = ("sea", "wood", "town")
WEIGHTS = {
    "salt": (3.0, 0.0, 0.0),
    "oak": (0.0, 3.0, 1.0),
    "tram": (1.0, 0.0, 3.0),
    "rain": (2.0, 1.0, 2.0),
}
TEXTS = [Sample(str(i), {"text": " ".join(("salt", "oak", "tram", "rain"))}) for i in range(9)]
TEXTS = [Sample(s.id, {"text": s["text"] + " so" * i}) for i, s in enumerate(TEXTS)]


def linear(is_blind=False, weights=WEIGHTS):
    """A classifier of weighed words; blind, it explains the first label whatever is asked for."""

    def answer(request):
        words = words_of(request.content[0].text)
        each = np.array([weights.get(word, (0.0,) * 3) for word, _ in words]).reshape(-1, 3)
        if isinstance(request, Classify):
            shares = np.exp(each.sum(axis=0))
            return Classification(LABELS, tuple((shares / shares.sum()).tolist()))
        assert isinstance(request, Attribute)
        label = 0 if is_blind else LABELS.index(request.target)
        scores = tuple(each[:, label].tolist())
        return Attribution(scores, tuple(span for _, span in words), sum(scores), 0.0)

    return answer


def test_labels_of_other_cues_have_other_explanations():
    # sea wins (6 of all); of salt, oak, tram, rain its weights are 3 0 1 2 (ranks 4 1 2 3),
    # wood's 0 3 0 1 (1.5 4 1.5 3), town's 0 1 3 2 (1 2 4 3): for town 1 - 6 (9+1+4+0) / 60 = -0.4;
    # for wood (ranks less 2.5) the products are -1.5 - 2.25 + 0.5 + 0.25 = -3, the squares
    # 5 and 4.5: -3 / sqrt(22.5) = -0.632456
    town_or_wood = (-0.4, -3 / math.sqrt(22.5))
    one, both = (
        play(RandomLogit(n_others=n), TEXTS[:1], linear()).records[0]["similarity"] for n in (1, 2)
    )
    assert one in (pytest.approx(town_or_wood[0]), pytest.approx(town_or_wood[1]))
    assert both == pytest.approx(sum(town_or_wood) / 2)
    played = play(RandomLogit(), TEXTS, linear())
    assert played.estimate(CHANGED).verdict == "differs from null"
    assert played.records[0]["loss"] == 1 - one


def test_who_does_not_look_at_the_label_changes_nothing():
    played = play(RandomLogit(), TEXTS, linear(is_blind=True))
    assert played.estimate("similarity to another label's explanation").value == pytest.approx(1.0)
    assert played.estimate(CHANGED).verdict == "compatible with null"
    # the same model, by its answers
    assert played.estimate("similarity to another label's by occlusion").value < 0


def test_labels_of_one_cue_are_told_apart_by_nothing():
    same = {word: (own[0],) * 3 for word, own in WEIGHTS.items()}
    played = play(RandomLogit(), TEXTS, linear(weights=same))
    assert played.estimate(CHANGED).value == pytest.approx(0.0, abs=1e-9)


def test_a_model_that_reads_nothing_has_no_explanation_to_compare():
    played = play(RandomLogit(), TEXTS, linear(weights={}))
    found = played.estimate(CHANGED)
    assert math.isnan(found.value)
    assert found.reason


def test_random_scores_drawn_without_the_model_are_blind_and_unrelated_ones_pass():
    played = play(RandomLogit(explainer="random"), TEXTS, linear())
    assert played.estimate(CHANGED).value == pytest.approx(0.0, abs=1e-9)
    beside = play(RandomLogit(n_others=2), TEXTS * 20, linear())
    unrelated = beside.estimate("similarity of unrelated random explanations")
    assert unrelated.value == pytest.approx(0.0, abs=0.3)


def test_two_labels_that_are_only_asked_about_have_opposite_explanations():
    # log p of one falls as that of the other rises, whatever the model goes by
    def answer(request):
        worth = {"salt": 0.1, "oak": 0.3, "tram": 0.2, "rain": 0.05}
        share = 0.2 + sum(worth.get(word, 0.0) for word in request.content[0].text.split())
        return Classification(("bad", "good"), (1 - share, share))

    played = play(RandomLogit(explainer="occlusion"), TEXTS[:1], answer)
    assert played.estimate(CHANGED).value == pytest.approx(2.0)


def test_both_maps_are_drawn():
    (record,) = play(RandomLogit(n_others=2), TEXTS[:1], linear()).records
    own, other = (json.loads(record[c]) for c in ("word_scores", "word_scores of another label"))
    assert own == [["salt", 3.0], ["oak", 0.0], ["tram", 1.0], ["rain", 2.0]]
    assert [word for word, _ in other] == [word for word, _ in own]
    assert sorted(record["compared_with"].split(", ")) == ["town", "wood"]
    assert own != other


def test_one_label_has_no_other():
    played = play(
        RandomLogit(explainer="occlusion"), TEXTS[:1], lambda _: Classification(("a",), (1.0,))
    )
    assert played.failures == ("no other label: there is nothing else that could have been found",)


def test_choices_are_compared_and_an_answer_alone_is_not():
    def answer(request):
        assert isinstance(request, LogLikelihood)
        cue = {" yes": "salt", " no": "oak"}[request.continuation]
        return ContinuationScore(-1.0 - 2.0 * (cue not in request.context[0].text), 1, False)

    fields = {"question": "salt or oak ?", "choices": ["yes", "no"], "answer": "yes"}
    probe = RandomLogit(target="answer", explainer="occlusion", subject={"prompt": "{question}"})
    (record,) = play(probe, [Sample("0", fields)], answer).records
    # salt, or, oak, ?: 2 0 0 0 against 0 0 2 0; of ranks less 2.5 (1.5 and thrice -0.5) the
    # products are -0.75 - 0.75 + 0.25 + 0.25 = -1, the squares 3: -1/3
    assert record["similarity"] == pytest.approx(-1 / 3)
    alone = play(probe, [Sample("0", {**fields, "choices": None})], answer)
    assert alone.failures[0].startswith("no other label")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"target": "continuation"}, "A continuation is no choice among several"),
        ({"medium": "audio", "target": "transcript"}, "A transcript is no choice"),
        ({"n_others": 0}, "n_others must be 1 or more"),
        ({"explainer": "magic"}, "explainer must be one of"),
        ({"target": "class"}, "target must be one of"),
    ],
)
def test_what_has_no_rival_is_refused(options, told):
    with pytest.raises(UsageError, match=told):
        RandomLogit(**options)


@pytest.mark.parametrize("explainer", ["integrated_gradients", "occlusion", "random"])
def test_the_contract_is_kept(explainer):
    check_probe(RandomLogit(explainer=explainer, n_others=2), TEXTS, linear())


# ------------------------------------------------------------------------------------------------
# Controls
# ------------------------------------------------------------------------------------------------


@cache
def control(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


OF_CLASS = {"target": "class", "medium": "image", "subject": {"templates": ("the digit {}",)}}
OF_SOUND = {"target": "class", "medium": "audio", "subject": {"bands": 2}}
CASES = [
    ("classifier-clean", Reviews(limit=4), {}, "attention_rollout"),
    ("digits-clean", Digits(limit=6), OF_CLASS, "attention_rollout"),
    ("sounds-clean", Sounds(limit=8), OF_SOUND, "input_magnitude"),
]


@pytest.mark.parametrize(("name", "source", "options", "blind"), CASES)
def test_magnitude_and_rollout_fail_and_integrated_gradients_pass(name, source, options, blind):
    model, rows = control(name), list(source.rows())
    found = {}
    for explainer in {"input_magnitude", blind, "integrated_gradients"}:
        settings = {"n_steps": 8} if explainer == "integrated_gradients" else {}
        asking = RandomLogit(explainer=explainer, settings=settings, **options)
        played = play(asking, rows, lambda request: answer_batch(model, [request])[0])
        assert not played.failures
        found[explainer] = played.estimate(CHANGED)
    for explainer in ("input_magnitude", blind):
        assert found[explainer].value == pytest.approx(0.0, abs=1e-6)
        assert found[explainer].verdict == "compatible with null"
    assert found["integrated_gradients"].verdict == "differs from null"


def test_a_class_alone_is_one_number_asked_or_differentiated():
    model, part = control("digits-clean"), Image(data=next(digits.digit_rows())["image"])
    prompts = [(f"the digit {label}", f"a photo of a {label}") for label in digits.LABELS]
    grouped = [[found.vector for found in model.embed_text(list(map(EmbedText, own)))]
               for own in prompts]  # fmt: skip
    (scale,) = model.similarity_scale([SimilarityScale()])
    classes = Classes(digits.LABELS, class_vectors(grouped), scale)
    target = ClassScore(classes, 3, prompts[3], scale="logit")
    view = model.differentiable_view(*target.attribute((part,)), medium="image", grid=(4, 4))
    with torch.no_grad():
        found = float(view.output(view.inputs)[0])
    assert found == pytest.approx(target.score(model.embed_image([EmbedImage(part)])), abs=1e-3)
