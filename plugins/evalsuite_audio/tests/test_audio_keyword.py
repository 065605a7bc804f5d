"""Known words in transcripts: the label alone counts, under a rule, by speaker."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Audio, DataError, Failure, Sample, Transcript, UsageError
from evalsuite.factories import make_probe
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite.transcripts import BASIC
from evalsuite_audio.tasks.keyword import Keyword, class_of_wording, classes_named
from evalsuite_transformers.normalization import rule_named

ENGLISH = rule_named("english")
ACCURACY = f"keyword accuracy ({ENGLISH.label})"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SAMPLES = [
    Sample(f"{digit}{speaker}", {"audio": Audio.from_array(np.full(9, digit / 99 + n / 9, np.float32), 8000),
                                 "label": str(digit), "speaker": speaker})
    for digit in range(10) for n, speaker in enumerate("ab")
]  # fmt: skip
SAID = {sample["audio"]: sample for sample in SAMPLES}


def hears_only_a(request):
    sample = SAID[request.audio]
    return Transcript(f"uh, {DIGITS[int(sample['label'])]}." if sample["speaker"] == "a" else "")


def test_words_name_digits_and_speakers_are_told_apart():
    played = play(Keyword(by="speaker"), SAMPLES, hears_only_a)
    assert played.estimate(ACCURACY).value == 0.5
    assert [played.estimate(ACCURACY, f"speaker={s}").value for s in "ab"] == [1, 0]
    assert played.estimate("mean per-class recall").value == 0.5
    assert played.estimate("transcripts without a known word").value == 0.5
    assert played.estimate(ACCURACY).null.value == pytest.approx(0.1)


def test_naming_every_word_names_none():
    played = play(Keyword(), SAMPLES, lambda request: Transcript(" then ".join(DIGITS)))
    assert played.estimate(ACCURACY).value == 0
    assert played.estimate("transcripts with several known words").value == 1


def test_naming_the_same_word_always_is_chance():
    played = play(Keyword(), SAMPLES, lambda request: Transcript("Seven!"))
    assert played.estimate(ACCURACY).value == pytest.approx(0.1)
    assert played.estimate(ACCURACY).verdict == "compatible with null"


def test_a_model_that_fails_has_no_accuracy():
    played = play(Keyword(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


def test_the_contract_is_kept():
    check_probe(Keyword(by="speaker", cluster_by="speaker"), SAMPLES, hears_only_a)


def test_words_are_whole_and_the_longest_counts():
    classes = class_of_wording(["cat", "wild_cat"], {"cat": ["pussy"]}, BASIC)
    assert classes_named("a wild cat", classes) == ("wild_cat",)
    assert classes_named("pussy cat", classes) == ("cat",)
    assert classes_named("concatenate", classes) == ()
    assert classes_named("cat wild cat cat", classes) == ("cat", "wild_cat")


@pytest.mark.parametrize(
    ("names", "words", "told"),
    [
        (["color", "colour"], {}, "is 'color' as well"),
        (["(aside)"], {}, "is empty"),
        (["a"], {"b": ["c"]}, "'b', which is no class"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(names, words, told):
    with pytest.raises(DataError, match=told):
        class_of_wording(names, words, ENGLISH)


def test_a_rule_that_needs_a_file_is_refused():
    with pytest.raises(UsageError, match="'none', 'basic', 'english' or 'chinese'"):
        make_probe("audio/keyword", {"normalization": "english-whisper"}, installed())


def test_a_label_that_is_no_class_is_refused():
    with pytest.raises(ValueError, match="'0' is not among the classes: 1, 2"):
        play(Keyword(classes=("1", "2")), SAMPLES, hears_only_a)
