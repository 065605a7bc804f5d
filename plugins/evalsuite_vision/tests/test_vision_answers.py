"""Open answers about images: scores by hand, control answerers, and models with and without eyes."""

from __future__ import annotations

import pytest

from evalsuite import DataError, Generation, Image, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import ShapeQuestions
from evalsuite_vision.tasks.visual_answers import OpenQuestionAnswering

COLOURS = ("red", "red", "blue", "green")
SAMPLES = [
    Sample(
        str(i),
        {
            "image": Image(data=bytes([i])),
            "question": f"what colour is thing {i}?",
            "answers": [COLOURS[i % 4]] * 8 + ["grey", "pink"],
            "kind": "even" if i % 2 == 0 else "odd",
        },
    )
    for i in range(24)
]
ALL = ("vqa", "anls", "relaxed", "exact")
NAMES = dict(zip(ALL, ("VQA accuracy", "ANLS", "relaxed accuracy", "exact match")))


def knows(request):
    number = int(request.prompt[-1].text.split()[-1].rstrip("?"))
    return Generation(f"{COLOURS[number % 4]}.", 1, "stop")


def always(text):
    return lambda request: Generation(text, 1, "stop")


@pytest.mark.parametrize("metric", ALL)
def test_right_answers_score_one(metric):
    probe = OpenQuestionAnswering(metric=metric)
    assert play(probe, SAMPLES, knows).estimate(NAMES[metric]).value == 1.0


@pytest.mark.parametrize("metric", ALL)
def test_the_most_frequent_answer_is_exactly_at_chance(metric):
    estimate = play(OpenQuestionAnswering(metric=metric), SAMPLES, always("red")).estimate(
        NAMES[metric]
    )
    assert estimate.value == estimate.null.value >= 0.5
    assert estimate.verdict == "compatible with null"


def test_an_empty_answer_is_wrong_and_counted():
    played = play(OpenQuestionAnswering(), SAMPLES, always(" "))
    assert played.estimate("VQA accuracy").value == 0.0
    assert played.estimate("empty answers").value == 1.0


def test_without_the_image_only_the_question_is_asked():
    probe = OpenQuestionAnswering(without_image=True, prompt="Q: {question} A:")
    played = play(probe, SAMPLES[:1], knows_nothing := always("red"))
    (request,) = played.requests
    assert [part.text for part in request.prompt] == ["Q: what colour is thing 0? A:"]
    with_image = play(OpenQuestionAnswering(), SAMPLES[:1], knows_nothing).requests[0]
    assert with_image.prompt[0] is SAMPLES[0]["image"]


def test_a_single_answer_may_be_a_text():
    sample = Sample("0", {**SAMPLES[0].fields, "answers": "red"})
    played = play(OpenQuestionAnswering(metric="exact"), [sample], always("Red"))
    assert played.records[0]["score"] == 1.0
    with pytest.raises(DataError, match="needs at least two"):
        play(OpenQuestionAnswering(), [sample], always("red"))


@pytest.mark.parametrize("metric", ALL)
def test_the_contract_of_open_questions_is_kept(metric):
    check_probe(OpenQuestionAnswering(metric=metric), SAMPLES, knows)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="must contain {question}"):
        OpenQuestionAnswering(prompt="what is it?")
    with pytest.raises(ValueError, match="metric must be one of vqa"):
        OpenQuestionAnswering(metric="f1")


def shape_questions(name: str, **options):
    """The control's answers in its own words: a sample's one answer is the right choice."""
    loader, reference = loader_for(name, installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    rows = [
        Sample(s.id, {**s.fields, "answers": [s["choices"][s["answer"]]]})
        for s in ShapeQuestions(limit=60).rows()
    ]
    probe = OpenQuestionAnswering(metric="exact", max_tokens=2, **options)
    return play(probe, rows, lambda request: model.generate([request])[0]).estimate("exact match")


def test_the_control_that_sees_is_told_from_the_blind_one():
    seeing = shape_questions("control:vlm-clean")
    blind = shape_questions("control:vlm-blind")
    assert seeing.value > 0.7
    assert seeing.verdict == "differs from null"
    assert blind.value < 0.45


def test_without_the_image_the_control_that_sees_is_no_better_than_the_blind_one():
    assert shape_questions("control:vlm-clean", without_image=True).value < 0.45
