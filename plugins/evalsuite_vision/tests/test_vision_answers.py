"""Open answers about images: scores by hand, control answerers, and models with and without eyes."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from evalsuite import DataError, Generation, Image, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import ShapeQuestions
from evalsuite_vision.metrics.answers import anls, exact_match, relaxed_accuracy, vqa_accuracy
from evalsuite_vision.metrics.vqa_words import normal_answer
from evalsuite_vision.tasks.visual_answers import OpenQuestionAnswering


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Two dogs.", "2 dogs"),
        ("none", "0"),
        ("Dont know", "don't know"),
        ("they're, youre", "they're you're"),
        ("its well, his ID", "its well his id"),
        ("shouldntve", "shouldn't've"),
        ("hed've", "he'd've"),
        ("red/white", "red white"),  # the stroke parts words ...
        ("red / white", "red white"),  # ... and vanishes beside a space
        ("red- white", "red white"),
        ("t-shirt", "t shirt"),
        ("1,000", "1000"),
        ("3.5 ft.", "3.5 ft"),
        ("4 p.m.", "4 pm"),
        ("yes!\n", "yes"),
        ("an", ""),
    ],
)
def test_the_normal_form_of_an_answer(text, expected):
    assert normal_answer(text) == expected


@pytest.mark.parametrize(
    ("matches", "expected"),
    [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)],
)
def test_vqa_accuracy_by_hand(matches, expected):
    # 3 of 10: 3 subsets have 2 matches (2/3), 7 have 3 (1): (3 * 2/3 + 7) / 10 = .9
    assert vqa_accuracy("Yes.", ["yes"] * matches + ["no"] * (10 - matches)) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_vqa_accuracy_equals_the_mean_over_subsets(n):
    for matches in range(n + 1):
        references = ["a dog"] * matches + ["cat"] * (n - matches)
        subsets = list(combinations(references, n - 1))
        expected = sum(min(s.count("a dog") / 3, 1) for s in subsets) / n
        assert vqa_accuracy("dog", references) == pytest.approx(expected)


def test_vqa_accuracy_of_one_reference_is_undefined_and_a_blank_answer_wrong():
    assert math.isnan(vqa_accuracy("yes", ["yes"]))
    assert vqa_accuracy("the", ["the"] * 10) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("Hello", ["hello"], 1.0),
        ("helo", ["hello"], 0.8),  # one edit of five letters
        ("abcd", ["abxy"], 0.0),  # two of four: d = .5 is too far
        ("abcde", ["abcxy"], 0.6),  # two of five
        ("", ["hello"], 0.0),
        ("x", ["far away", "x"], 1.0),
        ("kitten", ["sitting"], 1 - 3 / 7),
    ],
)
def test_anls_by_hand(answer, references, expected):
    assert anls(answer, references) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("95", "100", 1.0),
        ("94.9", "100", 0.0),
        ("105", "100", 1.0),
        ("1,040", "1000", 1.0),
        ("14%", "0.14", 1.0),
        ("0", "0", 1.0),
        ("0.01", "0", 0.0),
        ("-95", "-100", 1.0),
        ("Blue.", "blue", 1.0),
        ("blue", "red", 0.0),
        ("nan", "100", 0.0),
        ("0.63", "0.6", 1.0),
    ],
)
def test_relaxed_accuracy_by_hand(answer, reference, expected):
    assert relaxed_accuracy(answer, [reference]) == expected


def test_an_exact_match_ignores_case_and_the_last_full_stop():
    assert exact_match(" A Dog. ", ["a  dog"]) == 1.0
    assert exact_match("dog", ["a dog"]) == 0.0
    assert exact_match(".", ["."]) == 0.0


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------

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
