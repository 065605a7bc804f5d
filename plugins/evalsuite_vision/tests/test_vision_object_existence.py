"""Object existence: counts by hand and by scikit-learn, control answerers, and control models."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from evalsuite import (
    ContinuationScore,
    DataError,
    Generate,
    Generation,
    Image,
    LoadSettings,
    Sample,
)
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import ShapeQuestions
from evalsuite_vision.tasks.object_existence import ObjectExistence

SCORED = ObjectExistence()
WRITTEN = ObjectExistence(by="generation")


def samples_of(labels):
    """Three questions about each image."""
    return [
        Sample(
            str(i),
            {
                "image": Image(data=str(i // 3).encode()),
                "question": f"Is there thing {i}?",
                "label": label,
                "kind": "popular" if i % 2 else "random",
            },
        )
        for i, label in enumerate(labels)
    ]


BALANCED = samples_of(["yes", "no", "no", "yes"] * 9)


def answering(says_yes):
    """A model that says yes where a function of the question's number is True, None for a tie."""

    def answer(request):
        content = request.prompt if isinstance(request, Generate) else request.context
        said = says_yes(int(content[-1].text.rstrip("?").split()[-1]))
        if isinstance(request, Generate):
            return Generation("Yes, it is." if said else "No.", 3, "stop")
        is_word = said is not None and request.continuation == (" yes" if said else " no")
        return ContinuationScore(-1.0 if is_word else -2.0, 1, is_word)

    return answer


def knows(number):
    return BALANCED[number]["label"] == "yes"


NAMES = ("accuracy", "precision of yes", "recall of yes", "F1 of yes")


@pytest.mark.parametrize("probe", [SCORED, WRITTEN])
def test_one_who_knows_is_always_right(probe):
    played = play(probe, BALANCED, answering(knows))
    assert [played.estimate(name).value for name in NAMES] == [1.0] * 4
    assert played.estimate("accuracy").verdict == "differs from null"
    assert played.estimate("share of yes").value == played.estimate("share of yes").null.value


def test_equal_scores_are_exactly_at_chance():
    played = play(SCORED, BALANCED, answering(lambda number: None))
    for name in ("accuracy", "precision of yes", "recall of yes", "share of yes"):
        assert played.estimate(name).value == 0.5
    assert played.estimate("accuracy").verdict == "compatible with null"


@pytest.mark.parametrize("probe", [SCORED, WRITTEN])
def test_saying_yes_always_is_exactly_at_the_null(probe):
    played = play(probe, BALANCED, answering(lambda number: True))
    for name in ("accuracy", "precision of yes", "F1 of yes"):
        estimate = played.estimate(name)
        assert estimate.value == pytest.approx(estimate.null.value, abs=1e-15)
        assert estimate.verdict == "compatible with null"
    assert played.estimate("F1 of yes").value == pytest.approx(2 / 3)
    assert played.estimate("share of yes").verdict == "differs from null"


def test_saying_no_always_leaves_precision_undefined():
    played = play(SCORED, BALANCED, answering(lambda number: False))
    assert played.estimate("accuracy").value == 0.5
    assert math.isnan(played.estimate("precision of yes").value)
    assert played.estimate("precision of yes").reason == "the model never says yes"
    assert played.estimate("F1 of yes").value == 0.0


def test_chance_of_uneven_labels_is_the_more_frequent_one():
    uneven = samples_of(["no", "no", "yes"] * 8)
    estimate = play(SCORED, uneven, answering(lambda number: False)).estimate("accuracy")
    assert estimate.value == pytest.approx(estimate.null.value) == pytest.approx(2 / 3)


def test_counts_with_ties_by_hand():
    # yes, tie, no to labels yes, yes, no, and yes to a no: right yes 1.5, said 2.5, labelled 2
    said = [True, None, False, True]
    played = play(SCORED, samples_of(["yes", "yes", "no", "no"]), answering(said.__getitem__))
    values = [played.estimate(name).value for name in NAMES]
    assert values == pytest.approx([2.5 / 4, 1.5 / 2.5, 1.5 / 2, 3 / 4.5])


def test_an_answer_that_is_neither_is_wrong_and_counted():
    played = play(WRITTEN, BALANCED, lambda r: Generation("There is no such thing.", 5, "stop"))
    assert played.estimate("unparsed answers").value == 1.0
    assert played.estimate("accuracy").value == 0.0
    assert played.estimate("recall of yes").value == 0.0
    assert play(WRITTEN, BALANCED, lambda r: Generation("", 0, "stop")).records[0]["unparsed"]


@pytest.mark.parametrize("kind", ["random", "popular", "adversarial"])
@pytest.mark.parametrize("probe", [SCORED, WRITTEN])
def test_scores_equal_those_of_scikit_learn(data, kind, probe):
    path = data / "pope_coco" / f"coco_pope_{kind}.json"
    rows = [json.loads(line) for line in path.read_text().splitlines()][:900]
    truth = [row["label"] for row in rows]
    rng = np.random.default_rng(3)
    # Right three times in four, and otherwise inclined to say yes.
    says = [row == "yes" if rng.random() < 0.75 else rng.random() < 0.8 for row in truth]
    samples = [
        Sample(str(i), {"image": Image(data=row["image"].encode()), "label": row["label"],
                        "question": f"{row['text']} Question {i}"})
        for i, row in enumerate(rows)
    ]  # fmt: skip
    played = play(probe, samples, answering(says.__getitem__))
    words = ["yes" if said else "no" for said in says]
    theirs = precision_recall_fscore_support(truth, words, pos_label="yes", average="binary")
    expected = [accuracy_score(truth, words), *theirs[:3], np.mean(says)]
    found = [played.estimate(name) for name in (*NAMES, "share of yes")]
    assert [e.value for e in found] == pytest.approx(expected)
    assert all(e.low < e.value < e.high and e.unit == "image_id" for e in found)


@pytest.mark.parametrize("probe", [SCORED, WRITTEN])
def test_the_contract_of_object_existence_is_kept(probe):
    check_probe(probe, BALANCED, answering(lambda number: number % 3 == 0))


def test_a_label_that_is_neither_is_refused():
    with pytest.raises(DataError, match="yes or no"):
        play(SCORED, samples_of(["maybe"]), answering(knows))


@pytest.mark.parametrize(
    "options", [{"by": "magic"}, {"prompt": "is it?"}, {"words": ("yes", "Yes")}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=r"must (be|contain)"):
        ObjectExistence(**options)


@pytest.mark.parametrize(("name", "sees"), [("vlm-clean", True), ("vlm-blind", False)])
def test_the_control_that_sees_knows_what_is_there(name, sees):
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    rows = [
        Sample(s.id, {**s.fields, "label": s["choices"][s["answer"]]})
        for s in ShapeQuestions().rows()
        if s["kind"] == "presence"
    ]
    answers = {"generate": model.generate, "loglikelihood": model.loglikelihood}
    for probe in (SCORED, ObjectExistence(by="generation", max_tokens=2)):
        played = play(probe, rows, lambda request: answers[request.method]([request])[0])
        accuracy = played.estimate("accuracy")
        assert (accuracy.verdict == "differs from null") == sees, (accuracy.value, accuracy.low)
