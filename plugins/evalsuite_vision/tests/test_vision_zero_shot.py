"""Zero-shot classification: ensembles, own prompts, calibration, templates, several labels."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from evalsuite import DataError, Embedding, EmbedImage, EmbedText, Image, Sample, Similarity
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite.zero_shot import Classes, judged, logits_of
from evalsuite_vision.tasks.zero_shot import ZeroShotClassification
from evalsuite_vision.tasks.zero_shot_labels import ZeroShotLabels

NAMES = ("cat", "dog", "bird")
SAMPLES = [
    Sample(str(i), {"image": Image.from_array(np.full((2, 2, 3), i, np.uint8)), "label": NAMES[i % 3],
                    "labels": [NAMES[i % 3], NAMES[(i + 1) % 3]] if i % 2 else [NAMES[i % 3]]})
    for i in range(36)
]  # fmt: skip
TRUTH = {sample["image"]: np.eye(3, dtype=np.float32)[i % 3] for i, sample in enumerate(SAMPLES)}
TEMPLATES = ("a {}", "not a {}")


def unit(*values) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def answer(request, scale: float = 10.0):
    """Sees every class; "not a ..." names the class after it."""
    if isinstance(request, EmbedImage):
        return Embedding(TRUTH[request.image])
    if isinstance(request, EmbedText):
        index = next((i for i, name in enumerate(NAMES) if name in request.text), 0)
        return Embedding(np.eye(3, dtype=np.float32)[(index + ("not" in request.text)) % 3])
    return Similarity(scale)


def constant(request):
    if isinstance(request, EmbedImage | EmbedText):
        return Embedding(unit(1, 1, 1))
    return Similarity(10.0)


def test_classes_of_one_vector_tie_however_many_there_are():
    rng = np.random.default_rng(0)
    for n, width in ((10, 512), (33, 100), (7, 1000)):
        classes = np.tile(rng.normal(size=width), (n, 1))
        logits = logits_of(rng.normal(size=width).astype(np.float32), classes, Similarity(10.0))
        assert len(set(logits.tolist())) == 1


def test_templates_are_averaged_as_vectors_or_as_probabilities():
    """Image (1, 0); class A has prompts (1, 0) and (0, 1), class B (.6, .8) twice; scale 1.

    Vectors: A's mean is (.707, .707), B's (.6, .8): A wins by .707 against .6. Probabilities of A:
    e / (e + e^.6) = .599 and 1 / (1 + e^.6) = .354, mean .477: B wins.
    """
    by_template = np.array(
        [[unit(1, 0), unit(0.6, 0.8)], [unit(0, 1), unit(0.6, 0.8)]], dtype=float
    )
    vectors = np.array([unit(1, 1), unit(0.6, 0.8)], dtype=float)
    image = unit(1, 0)
    as_vectors = Classes(("A", "B"), vectors, Similarity(1.0), by_template)
    as_probabilities = Classes(("A", "B"), vectors, Similarity(1.0), by_template, True)
    assert as_vectors.predict(image, 0).index == 0
    found = as_probabilities.predict(image, 0)
    assert found.index == 1
    expected = (1 / (1 + math.exp(-0.4)) + 1 / (1 + math.exp(0.6))) / 2
    assert found.probability == pytest.approx(expected)


def test_the_spread_over_templates_is_best_minus_worst():
    """ "a {}" is always right, "not a {}" always wrong."""
    played = play(ZeroShotClassification(templates=TEMPLATES), SAMPLES, answer)
    assert played.estimate("spread over templates").value == 1.0
    assert played.estimate("agreement over templates").value == 0.0


def test_classes_and_templates_may_stand_in_files(tmp_path):
    (tmp_path / "classes.txt").write_text("\n".join((*NAMES, "fish")) + "\n")
    (tmp_path / "templates.txt").write_text("a {c}\n\nnot a {c}\n")
    probe = ZeroShotClassification(
        classes_path=str(tmp_path / "classes.txt"), templates_path=str(tmp_path / "templates.txt")
    )
    played = play(probe, SAMPLES, answer)
    texts = [r.text for r in played.requests if isinstance(r, EmbedText)]
    assert texts == [f"{start} {name}" for name in (*NAMES, "fish") for start in ("a", "not a")]
    assert {record["chance"] for record in played.records} == {1 / 4}


def test_an_empty_file_of_classes_is_refused(tmp_path):
    (tmp_path / "classes.txt").write_text("\n")
    with pytest.raises(DataError, match=r"classes.txt:1:1"):
        play(ZeroShotClassification(classes_path=str(tmp_path / "classes.txt")), SAMPLES, answer)


def test_one_template_has_no_spread():
    played = play(ZeroShotClassification(), SAMPLES, answer)
    assert not any("templates" in e.metric for e in played.estimates)


def test_classes_may_have_prompts_of_their_own(tmp_path):
    own = {name: [f"what {name}s look like", "with legs"] for name in NAMES}
    (tmp_path / "own.json").write_text(json.dumps(own))
    for options in ({"prompts": own}, {"prompts_path": str(tmp_path / "own.json")}):
        played = play(ZeroShotClassification(**options), SAMPLES, answer)
        asked = {r.text for r in played.requests if isinstance(r, EmbedText)}
        assert asked == {text for texts in own.values() for text in texts}
        assert played.estimate("accuracy").value == 1.0


def test_a_class_without_a_prompt_is_refused():
    with pytest.raises(DataError, match="no prompt for the class 'bird'"):
        play(
            ZeroShotClassification(classes=NAMES, prompts={"cat": ("c",), "dog": ("d",)}),
            SAMPLES,
            answer,
        )


def test_own_prompts_cannot_be_averaged_as_probabilities():
    with pytest.raises(ValueError, match="averages over templates"):
        ZeroShotClassification(prompts={"cat": ("c",)}, ensemble="probability")


def test_confidence_that_comes_true_is_compatible_with_its_floor():
    """Three classes, one score for all: confidence 1/3, right one time in three."""
    played = play(ZeroShotClassification(), SAMPLES, constant)
    calibration = played.estimate("calibration error")
    assert calibration.value == pytest.approx(0, abs=1e-6)
    assert calibration.verdict == "compatible with null"


def test_overconfidence_is_found():
    """Always sure, right half of the time: |.5 - 1| = .5."""

    def half(request):
        if isinstance(request, EmbedImage):
            index = list(TRUTH).index(request.image)
            return Embedding(np.roll(TRUTH[request.image], index // 3 % 2))
        return answer(request, scale=100.0)

    calibration = play(ZeroShotClassification(), SAMPLES, half).estimate("calibration error")
    assert calibration.value == pytest.approx(0.5)
    assert calibration.verdict == "differs from null"


@pytest.mark.parametrize("ensemble", ["embedding", "probability"])
def test_a_constant_model_has_exactly_chance(ensemble):
    probe = ZeroShotClassification(templates=TEMPLATES, ensemble=ensemble)
    assert play(probe, SAMPLES, constant).estimate("accuracy").value == pytest.approx(1 / 3)
    check_probe(probe, SAMPLES, answer)


def test_equal_scores_share_the_credit():
    found = judged(np.array([0.2, 0.4, 0.4]), np.array([0.2, 0.4, 0.4]), 2)
    assert (found.credit, found.rank) == (0.5, 1.5)


# ------------------------------------------------------------------------------------------------
# Several labels
# ------------------------------------------------------------------------------------------------


def several(request):
    """An image lies between the classes that it has."""
    if isinstance(request, EmbedImage):
        sample = SAMPLES[list(TRUTH).index(request.image)]
        return Embedding(unit(*(float(name in sample["labels"]) for name in NAMES)))
    return answer(request)


def test_a_perfect_ranking_has_precision_one():
    played = play(ZeroShotLabels(classes=NAMES), SAMPLES, several)
    assert played.estimate("mean average precision").value == 1.0


def test_one_score_for_all_has_exactly_the_share_of_images():
    """Each class has 12 images as the first label and 6 as the second: 18 of 36."""
    estimate = play(ZeroShotLabels(), SAMPLES, constant).estimate("mean average precision")
    assert estimate.value == pytest.approx(0.5)
    assert estimate.null.value == pytest.approx(0.5)
    assert estimate.verdict == "compatible with null"


def test_labels_in_another_order_change_nothing():
    check_probe(ZeroShotLabels(classes=NAMES), SAMPLES, several)


def test_the_probe_of_several_labels_is_registered():
    assert installed().require("probe", "vision/zero-shot-labels").load() is ZeroShotLabels
