"""Every target: what explainers that ask and those that differentiate explain is one number."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import log

import numpy as np
import pytest
import torch

from evalsuite import (
    Align,
    Attribute,
    Attribution,
    Audio,
    Classification,
    Classify,
    EmbedImage,
    EmbedText,
    Failure,
    Image,
    LoadSettings,
    LogLikelihood,
    Similarity,
    SimilarityScale,
    Text,
    Transcribe,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing.playing import drive
from evalsuite.zero_shot import Classes, class_vectors
from evalsuite_controls.data import classifier, digits, shapes, tone_words
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.clip import Clip
from evalsuite_explain.inputs.features import Joint
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.sanity import Sanity
from evalsuite_explain.targets import (
    AlignmentScore,
    ClassScore,
    ContinuationScore,
    LabelScore,
    MatchScore,
    gradient_request,
    log_odds_of,
)
from evalsuite_explain.text_places import FillingScore


@cache
def control(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def ask(name, *requests):
    return [answer_batch(control(name), [request])[0] for request in requests]


def occluded(name, features, target):
    asking = Occlusion().explain(Game(features, target), np.random.default_rng(0))
    found, failure = drive(asking, lambda request: ask(name, request)[0], [])
    assert failure is None
    return found.scores.tolist()


def test_log_odds_by_hand():
    # p = .8 against .15 + .05: log(.8 / .2) = 1.386294
    found = Classification(("a", "b", "c"), (0.8, 0.15, 0.05))
    assert log_odds_of(found).score([found]) == pytest.approx(log(4), abs=1e-9)
    assert log_odds_of(found).against == (("b",), ("c",))
    assert LabelScore("b", "log_odds").score([found]) == pytest.approx(log(0.15 / 0.85))


def test_log_odds_of_a_class_by_hand():
    # logits 2, 1, 0: 2 - log(e + 1) = 0.686738
    from evalsuite import Embedding

    classes = Classes(("a", "b", "c"), np.diag([1.0, 0.5, 0.0]), Similarity(2.0))
    shown = Embedding(np.array([1.0, 1.0, 1.0], np.float32))
    found = ClassScore(classes, 0, scale="log_odds").score([shown])
    assert found == pytest.approx(2 - log(np.e + 1), abs=1e-6)


def test_what_every_class_shares_decides_for_none():
    from evalsuite import Embedding

    vectors = np.array([[1.0, 0.5], [0.0, 0.5]])  # the second direction is common to both
    target = ClassScore(Classes(("a", "b"), vectors, Similarity(1.0)), 0, scale="log_odds")
    both, alone = (Embedding(np.array(v, np.float32)) for v in ([1, 3], [1, 0]))
    assert target.score([both]) == pytest.approx(target.score([alone]))


def test_a_pictures_class_is_one_number_asked_or_differentiated():
    model, part = control("digits-clean"), Image(data=next(digits.digit_rows())["image"])
    prompts = [(f"the digit {label}", f"a photo of a {label}") for label in digits.LABELS]
    grouped = [[found.vector for found in model.embed_text(list(map(EmbedText, own)))]
               for own in prompts]  # fmt: skip
    (scale,) = model.similarity_scale([SimilarityScale()])
    classes = Classes(digits.LABELS, class_vectors(grouped), scale)
    target = ClassScore(classes, 0, prompts[0], tuple(prompts[1:]), "log_odds")
    content, wanted = target.attribute((part,))
    view = model.differentiable_view(
        content, wanted, medium="image", grid=(4, 4), against=target.against
    )
    with torch.no_grad():
        found = float(view.output(view.inputs)[0])
    assert found == pytest.approx(target.score(model.embed_image([EmbedImage(part)])), abs=1e-3)
    assert float(view.trace().output.detach()) == pytest.approx(found, abs=1e-3)


def test_a_label_is_one_number_asked_or_differentiated():
    model, review = control("classifier-clean"), next(classifier.review_rows())["text"]
    (found,) = model.classify([Classify(review)])
    target = log_odds_of(found)
    view = model.differentiable_view((Text(review),), target.label, against=target.against)
    with torch.no_grad():
        assert float(view.output(view.inputs)[0]) == pytest.approx(target.score([found]), abs=1e-3)


def test_a_text_is_not_put_in_classes_of_texts():
    part = Image(data=next(digits.digit_rows())["image"])
    with pytest.raises(ValueError, match="only a picture or clip"):
        control("digits-clean").differentiable_view(
            (part, Text("the digit one")), "", medium="text", against=(("the digit two",),)
        )


def test_a_continuations_words_are_left_out_one_by_one():
    before, text, after, continuation = "the cat", "saw the dog", "and", " the"
    target = ContinuationScore(continuation, (Text(before + " "),), (Text(" " + after),))
    shown = ("saw the dog", "the dog", "saw dog", "saw the")
    asked = [LogLikelihood(f"{before} {words} {after}", continuation) for words in shown]
    whole, *rest = (found.total for found in ask("text-clean", *asked))
    expected = [whole - without for without in rest]
    assert occluded("text-clean", Words(text), target) == pytest.approx(expected, abs=1e-4)


def test_a_match_of_a_picture_and_a_text_has_features_on_both_sides():
    part = Image(data=next(digits.digit_rows())["image"])
    picture, words = Picture(part, 2), Words("the digit five")

    def similarity(image, text):
        one, other, scale = ask(
            "digits-clean", EmbedImage(image), EmbedText(text), SimilarityScale()
        )
        return scale.scale * float(one.vector.astype(float) @ other.vector.astype(float))

    whole = similarity(part, words.text)
    covered = [similarity(picture.without([i]), words.text) for i in range(4)]
    shorter = [similarity(part, text) for text in ("digit five", "the five", "the digit")]
    expected = [whole - without for without in (*covered, *shorter)]
    found = occluded("digits-clean", Joint(picture, words), MatchScore())
    assert found == pytest.approx(expected, abs=1e-4)


def test_an_alignments_moments_are_silenced_one_by_one():
    row = next(tone_words.utterance_rows())
    clip = Clip(Audio(data=row["audio"]), 4)
    whole, *rest = (
        found.score
        for found in ask(
            "asr-clean",
            Align(clip.audio, row["text"]),
            *(Align(clip.without([i]), row["text"]) for i in range(4)),
        )
    )
    found = occluded("asr-clean", clip, AlignmentScore(row["text"]))
    assert found == pytest.approx([whole - without for without in rest], abs=1e-5)
    assert sum(found) > 0


def test_an_alignment_is_one_number_asked_or_differentiated():
    row = next(tone_words.utterance_rows())
    clip, model = Clip(Audio(data=row["audio"]), 4), control("asr-clean")
    target = AlignmentScore(row["text"])
    content, wanted = target.attribute((clip.audio,))
    view = model.differentiable_view(content, wanted, medium="audio", grid=clip.grid)
    with torch.no_grad():
        found = float(view.output(view.inputs)[0])
    assert found == pytest.approx(
        target.score(ask("asr-clean", *target.requests(content))), abs=1e-4
    )
    path = "evalsuite_explain.explainers.gradients:integrated_gradients"
    steps = (("n_steps", 64),)
    (explained,) = ask("asr-clean", Attribute(content, wanted, path, steps, "audio", clip.grid))
    assert len(explained.scores) == 4
    assert explained.total > 0  # silence fits no words
    assert explained.convergence_delta < 0.1 * explained.total


def test_an_utterances_own_words_are_explained_where_none_are_given():
    row = next(tone_words.utterance_rows())
    audio, model = Audio(data=row["audio"]), control("asr-clean")
    (heard,) = model.transcribe([Transcribe(audio)])
    own, given = (
        model.differentiable_view((audio,), text, medium="audio", grid=(1, 4))
        for text in ("", heard.text)
    )
    with torch.no_grad():
        assert float(own.output(own.inputs)[0]) >= float(given.output(given.inputs)[0]) - 1e-5


def test_bands_of_a_waveform_are_refused_with_the_way_out():
    row = next(tone_words.utterance_rows())
    request = Attribute(
        (Audio(data=row["audio"]),),
        row["text"],
        "evalsuite_explain.explainers.gradients:saliency",
        (),
        "audio",
        (4, 4),
    )
    (found,) = ask("asr-clean", request)
    assert isinstance(found, Failure)
    assert "Set bands to 1" in found.message


def test_an_answer_about_a_picture_is_one_number_asked_or_differentiated():
    row = next(shapes.question_rows())
    part, model = Image(data=row["image"]), control("vlm-clean")
    target = ContinuationScore(" yes", after=(Text(str(row["question"])),))
    content, wanted = target.attribute((part,))
    view = model.differentiable_view(content, wanted, medium="image", grid=(2, 2))
    with torch.no_grad():
        found = float(view.output(view.inputs)[0])
    assert found == pytest.approx(ask("vlm-clean", *target.requests((part,)))[0].total, abs=1e-3)
    path = "evalsuite_explain.explainers.gradients:integrated_gradients"
    steps = (("n_steps", 128),)
    (explained,) = ask("vlm-clean", Attribute(content, wanted, path, steps, "image", (2, 2)))
    assert len(explained.scores) == 4
    assert any(explained.scores)
    assert explained.convergence_delta < 0.01 * abs(explained.total)


def test_the_words_of_a_question_and_the_picture_are_one_input():
    row = next(shapes.question_rows())
    part, model = Image(data=row["image"]), control("vlm-clean")
    target = ContinuationScore(" yes", after=(Text("\nAnswer:"),))
    features = Joint(Picture(part, 2), Words(str(row["question"])))
    path = "evalsuite_explain.explainers.gradients:integrated_gradients"
    request = gradient_request(target, features, path, (("n_steps", 64),))
    assert (request.medium, request.grid) == ("joint", (2, 2))
    (found,) = ask("vlm-clean", request)
    assert found.grid == (2, 2)
    assert len(found.scores) == 4 + len(found.spans)
    assert found.convergence_delta < 0.05 * abs(found.total)
    scores = features.pooled(found)
    assert scores[:4] == list(found.scores[:4])
    assert sum(scores) == pytest.approx(sum(found.scores), abs=1e-4)  # no word after the question
    words = replace(request, medium="text")
    view = model.differentiable_view(words.content, " yes", medium="text", within=words.within)
    with torch.no_grad():
        expected = ask("vlm-clean", LogLikelihood(request.content, " yes"))[0].total
        assert float(view.output(view.inputs)[0]) == pytest.approx(expected, abs=1e-4)


def test_the_joint_of_two_texts_is_text_and_its_words_keep_their_places():
    features = Joint(Words("a small"), Words("runs home"))
    assert (features.medium, features.grid) == ("text", (0, 0))
    # "a smallruns home": spans of the tokens small, run, s, home
    spans = ((0, 0), (2, 7), (7, 10), (10, 11), (12, 16))
    found = Attribution((9.0, 1.0, 2.0, 4.0, 8.0), spans, 15.0, 0.0)
    assert features.pooled(found) == [0.0, 1.0, 6.0, 8.0]


def test_a_filling_is_asked_for_between_the_words_that_are_left():
    target, features = FillingScore(" dog "), Joint(Words("a small"), Words("runs home"))
    (asked,) = target.requests(features.showing(np.array([True, False, True, True])))
    assert (asked.text, asked.within) == ("a dog runs home", (2, 5))
    request = gradient_request(target, features, "module:function", ())
    assert (request.content, request.target) == ((Text("a small"), Text("runs home")), " dog ")


def test_a_service_is_told_the_explainers_that_need_answers_only():
    assert "occlusion, shapley" in AttributionProbe(target="continuation").advice(["Attribute"])
    assert AttributionProbe(target="continuation").advice(["Attribute", "LogLikelihood"]) == ""
    assert Sanity(target="continuation").advice(["Attribute"]) == ""
