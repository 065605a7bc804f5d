"""Word error rates on worked numbers, by speaker, and when there is nothing to count."""

from __future__ import annotations

import math

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite import Audio, DataError, Failure, GroupRatioGap, Ratio, Sample, Table, Transcript
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite.transcripts import BASIC, NONE, utterance_record
from evalsuite_audio.tasks.transcription import Transcription

WER = "word error rate (basic v1)"


def utterances(*rows):
    """Samples (text, speaker) and a model that hears what each row says."""
    samples, heard = [], {}
    for number, (text, hypothesis, speaker) in enumerate(rows):
        audio = Audio.from_array(np.full(10, 0.01 * (number + 1), np.float32), 16_000)
        samples.append(Sample(str(number), {"audio": audio, "text": text, "speaker": speaker}))
        heard[audio] = Transcript(hypothesis)
    return samples, lambda request: heard[request.audio]


# Two groups of utterances with utterance rates 0, 1/5, 0 and 1/4, 3/6.
#   A: 0 of 3, 1 of 5, 0 of 3 words wrong: corpus 1/11 = 0.090909, mean of utterances 0.066667
#   B: 1 of 4, 3 of 6 words wrong:         corpus 4/10 = 0.4,      mean of utterances 0.375
GROUPED = (
    ("one two three", "one two three", "A"),
    ("one two three four five", "one two three four nine", "A"),
    ("one two three four", "one two three", "B"),
    ("one two three four five six", "one too to five six", "B"),
    ("six seven eight", "six seven eight", "A"),
)


def test_corpus_rates_of_two_groups():
    samples, model = utterances(*GROUPED)
    played = play(Transcription(), samples, model)
    rates = [record["utterance_wer"] for record in played.records]
    assert rates == pytest.approx([0, 0.2, 0.25, 0.5, 0])
    table = Table.from_records(played.records)
    by_speaker = Ratio("errors", "reference_words", name="wer", by="speaker")
    whole, a, b = by_speaker.estimate(table, generator(0))
    assert whole.value == pytest.approx(5 / 21, abs=1e-9)
    assert a.value == pytest.approx(0.090909, abs=1e-6)
    assert b.value == pytest.approx(0.4, abs=1e-6)
    gap = GroupRatioGap("errors", "reference_words", "speaker", name="gap", min_group_size=2)
    assert gap.estimate(table, generator(0))[0].value == pytest.approx(0.309091, abs=1e-6)
    assert b.value / a.value == pytest.approx(4.4, abs=1e-6)
    assert played.estimate("mean utterance error rate").value == pytest.approx(0.95 / 5)
    assert played.estimate("sentence error rate").value == pytest.approx(3 / 5)


def test_kinds_of_errors_are_told_apart():
    samples, model = utterances(*GROUPED)
    record = play(Transcription(), samples, model).records[3]
    # one two three four five six / one too to five six: two substituted or one deleted besides
    kinds = record["substitutions"], record["deletions"], record["insertions"]
    assert kinds == (2, 1, 0)
    assert record["errors"] == 3
    assert record["reference_words"] == 6


def test_characters_include_spaces():
    # "ab cd" has five characters; "abcd" lacks the space
    record = utterance_record("ab cd", "abcd", BASIC)
    assert (record["character_errors"], record["reference_characters"]) == (1, 5)


def test_resampling_whole_speakers_widens_the_interval():
    # four speakers of eight like utterances: two are always heard, two never
    rows = [("a b", "a b" if s < 2 else "x y", f"speaker {s}") for s in range(4) for _ in range(8)]
    samples, model = utterances(*rows)
    by_row = play(Transcription(), samples, model).estimate(WER)
    played = play(Transcription(cluster_by="speaker"), samples, model)
    by_speaker = played.estimate(WER)
    assert by_row.value == by_speaker.value == 0.5
    assert (by_row.unit, by_speaker.unit) == ("sample", "speaker")
    assert by_speaker.high - by_speaker.low > 1.5 * (by_row.high - by_row.low)
    for metric in ("sentence error rate", "mean utterance error rate", "empty transcripts"):
        assert played.estimate(metric).unit == "speaker"
        assert played.estimate(metric).direction == "lower is better"


def test_a_missing_speaker_fails_before_anything_is_asked():
    samples, model = utterances(("a", "a", "s"))
    with pytest.raises(DataError, match="no field 'accent'"):
        play(Transcription(cluster_by="accent"), samples, model)


def test_a_clip_that_could_not_be_heard_is_no_perfect_transcript():
    samples, model = utterances(("a b", "a b", "s"), ("c d e", "", "s"), ("f g", "f x", "s"))
    broken = samples[0]["audio"]

    def answer(request):
        return Failure("too short", "no frame") if request.audio == broken else model(request)

    played = play(Transcription(), samples, answer)
    assert played.failures == ("too short: no frame",)
    rate = played.estimate(WER)
    # 3 words deleted and 1 substituted, of the 5 words that were heard
    assert (rate.value, rate.n, rate.n_failed) == (0.8, 2, 1)
    assert played.estimate("empty transcripts").value == 0.5


def test_a_model_that_hears_nothing_has_no_rate():
    samples, _ = utterances(("a b", "", "s"))
    played = play(Transcription(), samples, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)
    assert played.estimate(WER).reason == "no sample was answered"


def test_words_heard_in_silence_stay_in_the_numerator():
    # 2 insertions where nothing was said, 0 errors in the other 4 words
    samples, model = utterances(("", "thank you", "s"), ("a b c d", "a b c d", "s"))
    played = play(Transcription(), samples, model)
    assert played.estimate(WER).value == 0.5
    assert played.estimate("mean utterance error rate").n == 1


def test_only_silence_leaves_the_rate_undefined():
    samples, model = utterances(("...", "thank you", "s"))
    rate = play(Transcription(), samples, model).estimate(WER)
    assert math.isnan(rate.value)
    assert rate.reason == "reference_words sums to zero"


def test_the_rule_is_named_and_matters():
    samples, model = utterances(("Hello, World!", "hello world", "s"))
    assert play(Transcription(), samples, model).estimate(WER).value == 0
    plain = play(Transcription(normalization="none"), samples, model)
    assert plain.estimate("word error rate (none v1)").value == 1


def test_the_language_reaches_the_model():
    samples, model = utterances(("a", "a", "s"))
    played = play(Transcription(language="fr"), samples, model)
    assert played.requests[0].language == "fr"


def test_the_contract_is_kept_with_speakers():
    samples, model = utterances(*GROUPED)
    check_probe(Transcription(cluster_by="speaker"), samples, model)


WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "e'e"]), max_size=6).map(" ".join)


@given(reference=WORDS.filter(bool), hypothesis=WORDS)
def test_errors_agree_with_jiwer(reference, hypothesis):
    record = utterance_record(reference, hypothesis, NONE)
    assert record["utterance_wer"] == pytest.approx(jiwer.wer(reference, hypothesis))
    rate = record["character_errors"] / record["reference_characters"]
    assert rate == pytest.approx(jiwer.cer(reference, hypothesis))
