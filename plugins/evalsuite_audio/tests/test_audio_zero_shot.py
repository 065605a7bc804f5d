"""Zero-shot sound classification on worked numbers."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from evalsuite import (
    Audio,
    Embedding,
    EmbedText,
    Failure,
    LoadSettings,
    Sample,
    Similarity,
    SimilarityScale,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.zero_shot import ZeroShotClassification
from evalsuite_controls.sources import Sounds

CLASSES = ("dog_bark", "rain", "siren")
LABELS = ("dog_bark", "dog_bark", "dog_bark", "rain", "siren")
SAMPLES = [
    Sample(
        str(number),
        {
            "audio": Audio.from_array(np.full(8, 0.01 * (number + 1), np.float32), 8000),
            "label": label,
        },
    )
    for number, label in enumerate(LABELS)
]
AXES = dict(zip(CLASSES, np.eye(3, dtype=np.float32), strict=True))


def model(heard, scale=1.0):
    """Texts lie on the axis of the class they name; clips on the axis of what is heard."""
    of_clip = {s["audio"]: vector for s, vector in zip(SAMPLES, heard, strict=True)}

    def answer(request):
        if isinstance(request, SimilarityScale):
            return Similarity(scale)
        if isinstance(request, EmbedText):
            name = next(c for c in CLASSES if c.replace("_", " ") in request.text)
            return Embedding(AXES[name])
        return Embedding(of_clip[request.audio])

    return answer


def test_a_perfect_model_scores_one():
    played = play(ZeroShotClassification(), SAMPLES, model([AXES[label] for label in LABELS]))
    assert played.estimate("accuracy").value == 1.0
    assert played.estimate("mean per-class recall").value == 1.0


def test_recall_weighs_classes_alike():
    # all five are taken for a dog: accuracy 3/5, recall (1 + 0 + 0) / 3
    played = play(ZeroShotClassification(), SAMPLES, model([AXES["dog_bark"]] * 5))
    assert played.estimate("accuracy").value == pytest.approx(3 / 5)
    assert played.estimate("mean per-class recall").value == pytest.approx(1 / 3)


def test_likelihood_uses_the_learned_scale():
    # logits 2, 0, 0: the probability of the target is e^2 / (e^2 + 2)
    played = play(ZeroShotClassification(), SAMPLES, model([AXES[x] for x in LABELS], scale=2.0))
    expected = -math.log(math.exp(2) / (math.exp(2) + 2))
    assert played.estimate("negative log-likelihood").value == pytest.approx(expected, abs=1e-6)


def test_a_constant_model_scores_chance():
    level = np.ones(3, np.float32) / np.sqrt(3, dtype=np.float32)
    played = play(ZeroShotClassification(), SAMPLES, model([level] * 5))
    accuracy = played.estimate("accuracy")
    assert accuracy.value == pytest.approx(1 / 3)
    assert accuracy.null.value == pytest.approx(1 / 3)
    assert accuracy.verdict == "compatible with null"


def test_names_are_written_as_words_in_the_default_template():
    played = play(ZeroShotClassification(), SAMPLES, model([AXES[label] for label in LABELS]))
    texts = [r.text for r in played.requests if isinstance(r, EmbedText)]
    assert texts[0] == "this is a sound of dog bark"
    assert len(texts) == 3


def test_classes_beyond_the_labels_lower_chance():
    probe = ZeroShotClassification(classes=CLASSES)
    dogs = SAMPLES[:3]
    assert play(probe, dogs, model([AXES[label] for label in LABELS])).estimate(
        "accuracy"
    ).null.value == pytest.approx(1 / 3)


def test_an_unheard_clip_is_a_failure():
    answer = model([AXES[label] for label in LABELS])
    broken = SAMPLES[0]["audio"]

    def partial(request):
        is_broken = getattr(request, "audio", None) == broken
        return Failure("unreadable", "no audio") if is_broken else answer(request)

    played = play(ZeroShotClassification(), SAMPLES, partial)
    assert played.failures == ("unreadable: no audio",)
    assert played.estimate("accuracy").n_failed == 1


def test_the_contract_is_kept():
    check_probe(ZeroShotClassification(), SAMPLES, model([AXES[label] for label in LABELS]))


# ------------------------------------------------------------------------------------------------
# Level with images: templates, ensembles, top-5, own prompts
# ------------------------------------------------------------------------------------------------

TEMPLATES = ("a {c}", "not a {}")
MANY = tuple(f"sound_{letter}" for letter in "abcdefg")


def contrary(request):
    """Knows every class; "not a ..." lies on the axis of the class after the one it names."""
    answer = model([AXES[label] for label in LABELS])
    if isinstance(request, EmbedText) and request.text.startswith("not"):
        index = next(i for i, c in enumerate(CLASSES) if c.replace("_", " ") in request.text)
        return Embedding(AXES[CLASSES[(index + 1) % 3]])
    return answer(request)


def test_the_spread_over_templates_is_best_minus_worst():
    # "a ..." is always right, "not a ..." never
    played = play(ZeroShotClassification(templates=TEMPLATES), SAMPLES, contrary)
    assert played.estimate("spread over templates").value == 1.0
    assert played.estimate("best over templates").value == 1.0
    assert played.estimate("mean over templates").value == 0.5
    texts = {r.text for r in played.requests if isinstance(r, EmbedText)}
    assert {"a dog bark", "not a dog bark"} <= texts


def test_templates_may_be_averaged_as_probabilities():
    # scale 1, three classes: "a" gives (e, 1, 1) / (e + 2), "not a" (1, 1, e) or a turn of it;
    # the mean gives the target half of the sum of its own two
    probe = ZeroShotClassification(templates=TEMPLATES, ensemble="probability")
    record = play(probe, SAMPLES, contrary).records[0]
    assert record["probability"] == pytest.approx((math.e + 1) / (2 * (math.e + 2)))


def test_top_five_counts_from_six_classes_on():
    axes = dict(zip(MANY, np.eye(7, dtype=np.float32), strict=True))
    clips = [Sample(str(i), {"audio": SAMPLES[i]["audio"], "label": MANY[i]}) for i in range(5)]
    # a clip of class i is nearest to class 0, then 1, 2, ...: classes 0 to 4 are in the top five
    order = np.linspace(1, 0.1, 7, dtype=np.float32)
    order /= np.linalg.norm(order)

    def answer(request):
        if isinstance(request, SimilarityScale):
            return Similarity(1.0)
        if isinstance(request, EmbedText):
            return Embedding(axes[request.text.rsplit(" ", 2)[-2] + "_" + request.text[-1]])
        return Embedding(order)

    played = play(ZeroShotClassification(classes=MANY), clips, answer)
    assert played.estimate("top-5 accuracy").value == 1.0
    assert played.estimate("accuracy").value == pytest.approx(1 / 5)
    few = play(ZeroShotClassification(), SAMPLES, model([AXES[x] for x in LABELS]))
    assert math.isnan(few.estimate("top-5 accuracy").value)


def test_confidence_is_compared_with_its_floor():
    level = np.ones(3, np.float32) / np.sqrt(3, dtype=np.float32)
    clips = [
        Sample(str(i), {"audio": SAMPLES[i % 5]["audio"], "label": CLASSES[i % 3]})
        for i in range(15)
    ]
    calibration = play(ZeroShotClassification(), clips, model([level] * 5)).estimate(
        "calibration error"
    )
    assert calibration.value == pytest.approx(0, abs=1e-6)
    assert calibration.verdict == "compatible with null"


def test_classes_may_have_prompts_of_their_own():
    own = {"dog_bark": ("a dog bark at night",), "rain": ("much rain",), "siren": ("a siren",)}
    played = play(ZeroShotClassification(prompts=own), SAMPLES, model([AXES[x] for x in LABELS]))
    assert played.estimate("accuracy").value == 1.0


def test_a_refusing_model_has_no_figures():
    played = play(ZeroShotClassification(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in played.estimates)


def test_the_control_hears_its_own_sounds_and_guesses_real_ones(data):
    """Trained on synthetic sounds, the control knows nothing of dogs and rain: near chance."""
    clips = sorted((data / "esc10_fold1").glob("*/*.ogg"))[::8]
    if not clips:
        pytest.skip("ESC-10 is not here")
    real = [
        Sample(path.stem, {"audio": Audio(path=path), "label": path.parent.name.split(" - ")[1]})
        for path in clips
    ]
    loader, reference = loader_for("control:sounds-clean", installed())
    control = loader.load(reference, LoadSettings(device="cpu"))
    known = cache(lambda request: answer_batch(control, [request])[0])
    own = play(ZeroShotClassification(), list(Sounds(limit=10).rows()), known)
    others = play(ZeroShotClassification(), real, known)
    assert own.estimate("accuracy").value >= 0.8
    accuracy = others.estimate("accuracy")
    assert len(others.records) == len(real)
    assert accuracy.null.value == pytest.approx(0.1)
    assert accuracy.value < 0.5
