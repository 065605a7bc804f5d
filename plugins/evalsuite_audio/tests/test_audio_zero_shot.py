"""Zero-shot sound classification on worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Audio, Embedding, EmbedText, Failure, Sample, Similarity, SimilarityScale
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.zero_shot import ZeroShotClassification

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
