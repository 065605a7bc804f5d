"""Statements about images: guessing is a half, and always saying the same is no better."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import ContinuationScore, DataError, Image, Sample, Table, UsageError
from evalsuite.content import text_of
from evalsuite.options import build
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_vision.metrics.consistency import Consistency
from evalsuite_vision.tasks.true_false import TrueFalse, truth_of

# Statement 0 has one image, 1 and 3 have two, 2 and 4 have three; 7 of 11 are true.
SAMPLES = [
    Sample(
        f"{s} {i}",
        {
            "image": Image.from_array(np.full((2, 2, 3), 16 * s + i, np.uint8)),
            "statement": f"statement {s}",
            "label": ("true", "false", "true")[i],
        },
    )
    for s, count in enumerate((1, 2, 3, 2, 3))
    for i in range(count)
]
TRUTH = {sample["image"]: sample["label"] for sample in SAMPLES}


def constant(request):
    return ContinuationScore(-1.5, 1, False)


def knowing(request):
    is_said = TRUTH[request.context[0]] == request.continuation.strip()
    return ContinuationScore(-0.1 if is_said else -3, 1, False)


def affirming(request):
    return ContinuationScore(-0.1 if "true" in request.continuation else -3, 1, False)


def test_the_true_false_contract_is_kept():
    check_probe(TrueFalse(), SAMPLES, knowing)
    check_probe(TrueFalse(without_image=True), SAMPLES, constant)


def test_a_constant_model_guesses():
    played = play(TrueFalse(), SAMPLES, constant)
    assert played.estimate("accuracy").value == played.estimate("accuracy").null.value == 0.5
    assert played.estimate("balanced accuracy").value == 0.5
    assert played.estimate("share called true").value == 0.5
    # two statements with two images and two with three: (1/4 + 1/8) / 2
    consistency = played.estimate("consistency")
    assert consistency.value == consistency.null.value == (1 / 4 + 1 / 8) / 2
    assert consistency.extra == {"n_groups": 4, "n_groups_of_one": 1}


def test_a_model_that_knows_is_always_right():
    played = play(TrueFalse(), SAMPLES, knowing)
    for metric in ("accuracy", "balanced accuracy", "consistency"):
        assert played.estimate(metric).value == 1.0


def test_always_true_is_no_better_than_guessing_when_classes_count_alike():
    played = play(TrueFalse(), SAMPLES, affirming)
    assert played.estimate("accuracy").value == 7 / 11
    assert played.estimate("balanced accuracy").value == 0.5
    assert played.estimate("consistency").value == 0.0
    assert played.estimate("share called true").value == 1.0


def test_statements_are_what_is_resampled():
    assert play(TrueFalse(), SAMPLES, knowing).estimate("accuracy").unit == "statement"


def test_the_question_holds_image_statement_and_words():
    probe = TrueFalse(prompt="{statement} {true} or {false}?", answers=("yes", "no"))
    asked = play(probe, SAMPLES[:1], constant).requests
    assert text_of(asked[0].context) == "statement 0 yes or no?"
    assert [r.continuation for r in asked] == [" yes", " no"]
    assert asked[0].context[0] == SAMPLES[0]["image"]
    blind = play(TrueFalse(without_image=True), SAMPLES[:1], constant).requests
    assert not any(isinstance(part, Image) for part in blind[0].context)


def test_the_probability_is_that_of_the_two_words():
    # log odds 2.9: 1 / (1 + exp(-2.9)) = 0.9478
    (record,) = play(TrueFalse(), SAMPLES[:1], affirming).records
    assert record["probability_of_true"] == pytest.approx(0.9478, abs=1e-4)


@pytest.mark.parametrize(
    ("label", "truth"), [(True, True), (False, False), ("True", True), (0, False), ("1", True)]
)
def test_labels_are_read_in_all_their_forms(label, truth):
    assert truth_of(label) is truth


@pytest.mark.parametrize("label", ["maybe", None, 2, "", 1.5])
def test_other_labels_are_refused(label):
    with pytest.raises(DataError, match="true or false"):
        truth_of(label)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"prompt": "True?"}, "must hold {statement}"), ({"answers": ["a", "a"]}, "two different")],
)
def test_options_of_no_use_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        build(TrueFalse, options, "The probe")


def test_consistency_of_single_images_is_undefined():
    table = Table.from_records([{"c": 1.0, "s": str(i), "chance": 0.5} for i in range(5)])
    (estimate,) = Consistency("c", "s", chance="chance").estimate(table, generator(0))
    assert "no s has two" in estimate.reason
