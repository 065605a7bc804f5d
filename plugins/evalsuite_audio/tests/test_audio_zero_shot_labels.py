"""Several sounds at once: mean average precision, at chance and at its best."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import (
    Audio,
    DataError,
    EmbedAudio,
    Embedding,
    EmbedText,
    Failure,
    Sample,
    Similarity,
)
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.zero_shot_labels import ZeroShotLabels

NAMES = ("mouse_click", "rain", "siren")
SAMPLES = [
    Sample(
        str(i),
        {
            "audio": Audio.from_array(np.full(8, 0.01 * (i + 1), np.float32), 8000),
            "labels": [NAMES[i % 3], NAMES[(i + 1) % 3]] if i % 2 else [NAMES[i % 3]],
        },
    )
    for i in range(36)
]
LABELS = {sample["audio"]: sample["labels"] for sample in SAMPLES}


def hears(request):
    """A clip lies between the classes that it has."""
    if isinstance(request, EmbedAudio):
        vector = np.array([name in LABELS[request.audio] for name in NAMES], np.float32)
        return Embedding(vector / np.linalg.norm(vector))
    if isinstance(request, EmbedText):
        index = next(i for i, name in enumerate(NAMES) if name.replace("_", " ") in request.text)
        return Embedding(np.eye(3, dtype=np.float32)[index])
    return Similarity(10.0)


def constant(request):
    is_vector = isinstance(request, EmbedAudio | EmbedText)
    return Embedding(np.full(3, 3**-0.5, np.float32)) if is_vector else Similarity(10.0)


def test_a_perfect_ranking_has_precision_one():
    played = play(ZeroShotLabels(), SAMPLES, hears)
    assert played.estimate("mean average precision").value == 1.0
    assert played.estimate("mean average precision").unit == "clip"


def test_one_score_for_all_has_exactly_the_share_of_clips():
    # each class has 12 clips as the first label and 6 as the second: 18 of 36
    estimate = play(ZeroShotLabels(), SAMPLES, constant).estimate("mean average precision")
    assert estimate.value == estimate.null.value == pytest.approx(0.5)
    assert estimate.verdict == "compatible with null"


def test_names_are_written_as_words():
    texts = [
        r.text for r in play(ZeroShotLabels(), SAMPLES, hears).requests if isinstance(r, EmbedText)
    ]
    assert texts[0] == "this is a sound of mouse click"


def test_an_unknown_label_and_a_refusal_are_no_figures():
    with pytest.raises(DataError, match="not among the classes"):
        play(ZeroShotLabels(classes=NAMES[:2]), SAMPLES, hears)
    played = play(ZeroShotLabels(), SAMPLES, lambda request: Failure("refused", "no"))
    assert math.isnan(played.estimate("mean average precision").value)


def test_the_contract_of_several_sounds_is_kept():
    check_probe(ZeroShotLabels(classes=NAMES), SAMPLES, hears)


def test_several_sounds_are_registered():
    assert installed().require("probe", "audio/zero-shot-labels").load() is ZeroShotLabels
