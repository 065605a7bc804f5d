"""Captions of clips, written and given: copies, constants, silence, and judges that know."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from evalsuite import (
    Audio,
    DataError,
    EmbedAudio,
    Embedding,
    Failure,
    Generation,
    LoadSettings,
    Sample,
)
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.caption_scores import ClapScore
from evalsuite_audio.tasks.captioning import Captioning
from evalsuite_controls.sources import Sounds

NAMES = ("bell", "dog", "engine", "rain")
SAMPLES = [
    Sample(
        str(i),
        {
            "audio": Audio.from_array(np.full(8, 0.01 * (i + 1), np.float32), 8000),
            "captions": [f"a {NAMES[i % 4]} is heard near house number {i}", f"one {NAMES[i % 4]} {i}"],
        },
    )
    for i in range(20)
]  # fmt: skip
SINGLE = [Sample(s.id, {"audio": s["audio"], "captions": s["captions"][0]}) for s in SAMPLES]
WRITTEN = {sample["audio"]: sample["captions"] for sample in SINGLE}
KIND = {sample["audio"]: i % 4 for i, sample in enumerate(SAMPLES)}
MEASURES = ("CIDEr-D", "BLEU-4", "ROUGE-L")


def copies(request):
    return Generation(WRITTEN[request.prompt[0]], 8, "stop")


def always(text):
    return lambda request: Generation(text, 8, "stop")


def test_a_copy_of_the_only_reference_is_perfect():
    played = play(Captioning(), SINGLE, copies)
    for name, best in zip(MEASURES, (10, 1, 1)):
        estimate = played.estimate(name)
        assert estimate.value == pytest.approx(best)
        assert estimate.verdict == "differs from null"
        assert estimate.unit == "audio_id"


def test_a_constant_caption_is_exactly_at_its_null():
    played = play(Captioning(), SAMPLES, always("a dog is heard near house number 3"))
    for name in MEASURES:
        estimate = played.estimate(name)
        assert estimate.value == pytest.approx(estimate.null.value, abs=1e-12)
        assert estimate.value > 0


def test_an_empty_caption_is_the_worst_and_a_refusal_none():
    played = play(Captioning(), SAMPLES, always(" "))
    assert [played.estimate(name).value for name in MEASURES] == [0, 0, 0]
    assert played.estimate("empty captions").value == 1.0
    refused = play(Captioning(), SAMPLES, lambda request: Failure("refused", "no"))
    assert math.isnan(refused.estimate("CIDEr-D").value)


def test_the_clip_comes_before_a_prompt_about_sound():
    (request,) = play(Captioning(), SAMPLES[:1], copies).requests
    assert request.prompt[0] == SAMPLES[0]["audio"]
    assert request.prompt[1].text == "Describe the sound in one sentence."
    assert len(play(Captioning(prompt=""), SAMPLES[:1], copies).requests[0].prompt) == 1


def test_the_captioning_contract_is_kept():
    check_probe(Captioning(), SAMPLES, copies)


# ------------------------------------------------------------------------------------------------
# CLAPScore
# ------------------------------------------------------------------------------------------------


def knows(request):
    if isinstance(request, EmbedAudio):
        return Embedding(np.eye(5, dtype=np.float32)[KIND[request.audio]])
    named = [i for i, name in enumerate(NAMES) if name in request.text]
    return Embedding(np.eye(5, dtype=np.float32)[named[0] if named else 4])


def hears_the_opposite(request):
    sign = 1 if isinstance(request, EmbedAudio) else -1
    return Embedding(sign * knows(request).vector)


def test_right_captions_reach_one():
    estimate = play(ClapScore(), SAMPLES, knows).estimate("CLAPScore")
    assert estimate.value == 1.0
    assert estimate.verdict == "differs from null"
    assert estimate.unit == "audio_id"


def test_a_score_is_a_cosine_neither_cut_nor_scaled():
    # CLIPScore would make 2.5 of 1 and 0 of -1
    assert play(ClapScore(), SAMPLES, hears_the_opposite).estimate("CLAPScore").value == -1.0


def test_the_captions_of_a_clip_are_averaged():
    # one names the clip (cosine 1), the other something else (0)
    rows = [Sample(s.id, {**s.fields, "captions": [s["captions"][0], "a thing"]}) for s in SAMPLES]
    assert play(ClapScore(), rows, knows).estimate("CLAPScore").value == 0.5


def test_a_constant_encoder_is_exactly_at_its_null():
    played = play(ClapScore(), SAMPLES, lambda r: Embedding(np.array([0.6, 0.8], np.float32)))
    estimate = played.estimate("CLAPScore")
    assert estimate.value == estimate.null.value
    assert estimate.verdict == "compatible with null"


def test_an_empty_caption_has_the_worst_score():
    rows = [Sample(s.id, {**s.fields, "captions": [" "]}) for s in SAMPLES]
    played = play(ClapScore(prefix="a sound of "), rows, knows)
    assert played.estimate("CLAPScore").value == -1.0
    assert played.estimate("empty captions").value == 1.0


def test_one_caption_may_stand_in_a_field_of_its_own():
    rows = [Sample(s.id, {"audio": s["audio"], "caption": s["captions"][0]}) for s in SAMPLES]
    assert play(ClapScore(caption="caption"), rows, knows).estimate("CLAPScore").value == 1.0
    with pytest.raises(DataError, match="captions must be"):
        play(ClapScore(), [Sample("0", {**SAMPLES[0].fields, "captions": []})], knows)


def test_the_contract_of_caption_scores_is_kept():
    check_probe(ClapScore(), SAMPLES, knows)


@pytest.mark.parametrize(
    ("name", "probe"), [("captioning", Captioning), ("caption-scores", ClapScore)]
)
def test_both_are_registered(name, probe):
    assert installed().require("probe", f"audio/{name}").load() is probe


def test_the_control_tells_right_captions_from_others():
    loader, reference = loader_for("control:sounds-clean", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    rows = [
        Sample(s.id, {"audio": s["audio"], "captions": f"the sound of {s['label']}"})
        for s in Sounds(limit=20).rows()
    ]
    answers = {"embed_audio": model.embed_audio, "embed_text": model.embed_text}
    known = cache(lambda request: answers[request.method]([request])[0])
    played = play(ClapScore(), rows, known)
    assert played.estimate("CLAPScore").verdict == "differs from null"
