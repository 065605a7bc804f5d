"""The captioning probe on captioners that copy, repeat themselves, invent, and say nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import DataError, Failure, Generation, Image, Sample
from evalsuite.testing import check_probe, play
from evalsuite_vision.tasks.captioning import Captioning

ANIMALS = ("cat", "dog", "bird", "fish", "horse")
SAMPLES = [
    Sample(
        str(i),
        {
            "image": Image.from_array(np.full((2, 2, 3), 5 * i, np.uint8)),
            "captions": [f"a {ANIMALS[i % 5]} sits near tree number {i}", f"one {ANIMALS[i % 5]} {i}"],
            "things": [ANIMALS[i % 5], "tree"],
        },
    )
    for i in range(20)
]  # fmt: skip
SINGLE = [
    Sample(s.id, {"image": s["image"], "captions": s["captions"][0], "things": s["things"]})
    for s in SAMPLES
]
CAPTIONS = {sample["image"]: sample["captions"] for sample in SINGLE}
WITH_OBJECTS = Captioning(objects="things", object_words=(*ANIMALS, "tree"))


def copies(request):
    return Generation(CAPTIONS[request.prompt[0]], 8, "stop")


def always(text, reason="stop"):
    return lambda request: Generation(text, 8, reason)


def test_a_copy_of_the_only_reference_is_perfect():
    played = play(WITH_OBJECTS, SINGLE, copies)
    assert played.estimate("CIDEr-D").value == pytest.approx(10)
    assert played.estimate("BLEU-4").value == 1.0
    assert played.estimate("ROUGE-L").value == pytest.approx(1.0)
    assert played.estimate("CHAIRi").value == played.estimate("CHAIRs").value == 0.0
    assert played.estimate("objects mentioned of those present").value == 1.0
    for name in ("CIDEr-D", "BLEU-4", "ROUGE-L"):
        assert played.estimate(name).verdict == "differs from null"


def test_a_constant_caption_is_exactly_at_its_null():
    played = play(Captioning(), SAMPLES, always("a dog sits near tree number 3"))
    for name in ("CIDEr-D", "BLEU-4", "ROUGE-L"):
        estimate = played.estimate(name)
        assert estimate.value == pytest.approx(estimate.null.value, abs=1e-12)
        assert estimate.verdict == "compatible with null"
        assert estimate.value > 0


def test_an_empty_caption_is_the_worst_and_counted():
    played = play(WITH_OBJECTS, SAMPLES, always(" ."))
    assert [played.estimate(m).value for m in ("CIDEr-D", "BLEU-4", "ROUGE-L")] == [0, 0, 0]
    assert played.estimate("empty captions").value == 1.0
    assert played.estimate("words in a caption").value == 0.0
    # Saying nothing invents nothing, but must not look like a faithful caption.
    assert math.isnan(played.estimate("CHAIRi").value)
    assert math.isnan(played.estimate("CHAIRs").value)
    assert played.estimate("objects mentioned of those present").value == 0.0


def test_a_caption_that_invents_an_animal_is_counted():
    # 4 of 20 images show a dog: CHAIRs = 16/20; of 2 mentions each, 16 of 40 are invented
    played = play(WITH_OBJECTS, SINGLE, always("a dog under a tree", "length"))
    assert played.estimate("CHAIRs").value == pytest.approx(0.8)
    assert played.estimate("CHAIRi").value == pytest.approx(0.4)
    assert played.estimate("captions cut at the limit").value == 1.0


def test_one_image_has_no_cider_d_and_says_why():
    estimate = play(Captioning(), SINGLE[:1], copies).estimate("CIDEr-D")
    assert math.isnan(estimate.value)
    assert "more images" in estimate.reason


def test_without_another_image_to_compare_with_there_is_no_null():
    played = play(Captioning(), SINGLE[:1], copies)
    assert [played.estimate(m).null for m in ("CIDEr-D", "BLEU-4", "ROUGE-L")] == [None] * 3


def test_weights_come_from_all_references_also_of_images_that_failed():
    def half(request):
        lost = int(request.prompt[0].load().getpixel((0, 0))[0]) >= 50
        return Failure("refused", "no") if lost else always("a dog 1")(request)

    whole = play(Captioning(), SAMPLES, always("a dog 1")).records
    part = play(Captioning(), SAMPLES, half).records
    assert [r["cider_d"] for r in part] == [r["cider_d"] for r in whole[:10]]


def test_the_captioning_contract_is_kept():
    check_probe(Captioning(), SAMPLES, copies)
    check_probe(WITH_OBJECTS, SINGLE, always("a dog and a cat"))


@pytest.mark.parametrize("captions", [[], "", ["a", "."], 3, [4]])
def test_references_without_a_word_are_refused(captions):
    sample = Sample("0", {**SAMPLES[0].fields, "captions": captions})
    with pytest.raises(DataError, match="caption"):
        play(Captioning(), [sample], copies)


def test_object_words_need_the_field_of_objects(tmp_path):
    with pytest.raises(ValueError, match="need `objects`"):
        Captioning(object_words=("dog",))
    with pytest.raises(ValueError, match="is not a file"):
        Captioning(objects="things", objects_file=str(tmp_path / "none.txt"))


def test_object_words_can_stand_in_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("dog, puppy\ntree\n")
    played = play(Captioning(objects="things", objects_file=str(path)), SINGLE, always("a puppy"))
    assert played.estimate("CHAIRs").value == pytest.approx(0.8)
