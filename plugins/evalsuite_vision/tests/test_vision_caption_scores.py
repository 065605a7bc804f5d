"""CLIPScore by hand, on a judge that knows and one that does not, and on a control."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import DataError, Embedding, EmbedImage, Image, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Shapes
from evalsuite_vision.tasks.caption_scores import ClipScore, clip_score, ref_clip_score


def vector(*values: float):
    return np.array(values, np.float32)


def test_clip_score_by_hand():
    # cos = 0.6 between (1, 0) and (3, 4): 2.5 * 0.6; the opposite direction counts as 0
    assert clip_score(vector(1, 0), vector(3, 4)) == pytest.approx(1.5)
    assert clip_score(vector(1, 0), vector(-1, 0)) == 0.0
    assert np.isnan(clip_score(vector(0, 0), vector(1, 0)))


def test_ref_clip_score_by_hand():
    # CLIPScore 1.5; the nearest reference has cos 0.8: 2 * 1.5 * 0.8 / 2.3
    found = ref_clip_score(1.5, vector(3, 4), [vector(-1, 0), vector(0, 1)])
    assert found == pytest.approx(2 * 1.5 * 0.8 / 2.3)
    assert ref_clip_score(1.5, vector(1, 0), [vector(0, 1)]) == 0.0


NAMES = ("cat", "dog", "bird", "fish")
SAMPLES = [
    Sample(
        str(i),
        {
            "image": Image.from_array(np.full((2, 2, 3), i, np.uint8)),
            "caption": f"a {NAMES[i % 4]} {i}",
            "captions": [f"one {NAMES[i % 4]}", "a thing"],
        },
    )
    for i in range(24)
]
TRUTH = {s["image"]: np.eye(5, dtype=np.float32)[i % 4] for i, s in enumerate(SAMPLES)}


def knows(request):
    if isinstance(request, EmbedImage):
        return Embedding(TRUTH[request.image])
    named = [i for i, name in enumerate(NAMES) if name in request.text]
    return Embedding(np.eye(5, dtype=np.float32)[named[0] if named else 4])


def knows_nothing(request):
    return Embedding(vector(0.6, 0.8))


def test_right_captions_reach_the_top():
    played = play(ClipScore(), SAMPLES, knows)
    assert played.estimate("CLIPScore").value == 2.5
    assert played.estimate("CLIPScore").verdict == "differs from null"
    assert played.estimate("RefCLIPScore").value == pytest.approx(2 * 2.5 / 3.5)


def test_a_constant_encoder_is_exactly_at_its_null():
    played = play(ClipScore(), SAMPLES, knows_nothing)
    for name in ("CLIPScore", "RefCLIPScore"):
        estimate = played.estimate(name)
        assert estimate.value == estimate.null.value
        assert estimate.verdict == "compatible with null"


def test_an_empty_caption_scores_nought_and_is_counted():
    empty = [Sample(s.id, {**s.fields, "caption": " "}) for s in SAMPLES]
    played = play(ClipScore(), empty, knows_nothing)
    assert played.estimate("CLIPScore").value == played.estimate("RefCLIPScore").value == 0.0
    assert played.estimate("empty captions").value == 1.0


def test_without_references_there_is_no_ref_clip_score():
    bare = [Sample(s.id, {k: s[k] for k in ("image", "caption")}) for s in SAMPLES]
    estimate = play(ClipScore(), bare, knows).estimate("RefCLIPScore")
    assert np.isnan(estimate.value)
    assert estimate.reason


def test_the_clip_score_contract_is_kept():
    check_probe(ClipScore(), SAMPLES, knows)


@pytest.mark.parametrize("fields", [{"caption": ["a", "b"]}, {"captions": ["a", " "]}])
def test_captions_of_another_kind_are_refused(fields):
    with pytest.raises(DataError, match="must be"):
        play(ClipScore(), [Sample("0", {**SAMPLES[0].fields, **fields})], knows)


def test_the_control_tells_right_captions_from_others():
    loader, reference = loader_for("control:shapes-clean", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    answers = {"embed_image": model.embed_image, "embed_text": model.embed_text}
    samples = list(Shapes(limit=40).rows())
    played = play(ClipScore(prefix=""), samples, lambda r: answers[r.method]([r])[0])
    assert played.estimate("CLIPScore").verdict == "differs from null"
