"""Every figure of the transcription probe: jiwer's, by hand, under every rule, and how fast."""

from __future__ import annotations

import json
import math

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite import Audio, Failure, Sample, Table, TimedWord, Transcript, UsageError
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite.transcripts import (
    NONE,
    MatchErrorRate,
    WordInformationLost,
    align,
    utterance_record,
)
from evalsuite_audio.tasks.transcription import Transcription

WER = "word error rate (basic v1)"
RATE_HZ = 8000


def clip(number: int, seconds: float = 1.0) -> Audio:
    return Audio.from_array(np.full(int(seconds * RATE_HZ), 0.001 * number, np.float32), RATE_HZ)


def heard_as(*pairs, **fields):
    """Samples with their references, and a model that hears the second of each pair."""
    samples = [
        Sample(str(i), {"audio": clip(i), "text": said, **{k: v[i] for k, v in fields.items()}})
        for i, (said, _) in enumerate(pairs)
    ]
    answers = {sample["audio"]: heard for sample, (_, heard) in zip(samples, pairs, strict=True)}

    def answer(request):
        heard = answers[request.audio]
        return heard if isinstance(heard, Transcript | Failure) else Transcript(heard)

    return samples, answer


def values(probe, *pairs, **fields):
    """Every estimate of the whole, by name."""
    played = play(probe, *heard_as(*pairs, **fields))
    return {e.metric: e.value for e in played.estimates if not e.slice}


# ------------------------------------------------------------------------------------------------
# Against jiwer
# ------------------------------------------------------------------------------------------------

WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "e'e", "ab"]), max_size=6).map(" ".join)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_corpus_figures_are_jiwers(pairs):
    said, heard = [[pair[i] for pair in pairs] for i in (0, 1)]
    records = [utterance_record(a, b, NONE) for a, b in pairs]
    table = Table.from_records(records)
    total = {name: table.numbers(name).sum() for name in ("errors", "reference_words", "hits")}
    if not total["reference_words"] or not any(heard):
        return  # jiwer divides by zero
    found = jiwer.process_words(said, heard)
    assert total["hits"] == found.hits
    assert total["errors"] / total["reference_words"] == pytest.approx(found.wer, abs=1e-12)
    for metric, value in (
        (MatchErrorRate(name="m"), found.mer),
        (WordInformationLost(name="w"), found.wil),
    ):
        (estimate,) = metric.estimate(table, generator(0))
        assert estimate.value == pytest.approx(value, abs=1e-12)
    kinds = [table.numbers(name).sum() for name in ("substitutions", "deletions", "insertions")]
    assert kinds == [found.substitutions, found.deletions, found.insertions]
    letters = table.numbers("character_errors").sum() / table.numbers("reference_characters").sum()
    assert letters == pytest.approx(jiwer.cer(said, heard), abs=1e-12)
    joined = [[text.replace(" ", "") for text in texts] for texts in (said, heard)]
    letters = table.numbers("letter_errors").sum() / table.numbers("reference_letters").sum()
    assert letters == pytest.approx(jiwer.cer(*joined), abs=1e-12)


@given(WORDS, WORDS)
def test_an_alignment_tells_both_texts(said, heard):
    found = align(said.split(), heard.split())
    assert [w for step in found.steps for w in step.reference] == said.split()
    assert [w for step in found.steps for w in step.hypothesis] == heard.split()


def test_an_alignment_is_marked_for_readers():
    # "the" became "a", "sat" is missing, "now" is too many
    found = align(["the", "big", "cat", "sat", "on", "it"], ["a", "big", "cat", "on", "it", "now"])
    assert json.loads(found.marked) == [
        ["S", "the", "a"],
        ["=", "big cat"],
        ["D", "sat", ""],
        ["=", "on it"],
        ["I", "", "now"],
    ]


# ------------------------------------------------------------------------------------------------
# By hand
# ------------------------------------------------------------------------------------------------


def test_worked_figures_of_two_utterances():
    # a b c d / a x c: 2 hits, 1 substitution, 1 deletion;  e f / e f g h: 2 hits, 2 insertions
    # N = 6, P = 7, H = 4: WER 4/6, MER 4/8, WIL 1 - (4/6)(4/7) = 1 - 16/42
    found = values(Transcription(), ("a b c d", "a x c"), ("e f", "e f g h"))
    assert found[WER] == pytest.approx(4 / 6)
    assert found["match error rate (basic v1)"] == 0.5
    assert found["word information lost (basic v1)"] == pytest.approx(1 - 16 / 42)
    rates = [found[f"{kind} rate (basic v1)"] for kind in ("substitution", "deletion", "insertion")]
    assert rates == pytest.approx([1 / 6, 1 / 6, 2 / 6])
    assert sum(rates) == pytest.approx(found[WER])
    assert found["sentence error rate"] == 1
    assert found["mean utterance error rate"] == pytest.approx((0.5 + 1) / 2)
    assert found["length ratio"] == pytest.approx(7 / 6)
    # "a b c d" / "a x c": b became x, " d" is missing: 3 of 7; "e f" / "e f g h": 4 more, of 3
    assert found["character error rate (basic v1)"] == pytest.approx(7 / 10)
    # "abcd" / "axc": 2 of 4; "ef" / "efgh": 2 of 2
    assert found["character error rate without spaces (basic v1)"] == pytest.approx(4 / 6)


def test_an_empty_transcript_is_no_perfect_one():
    # HELM's wer_score, mer_score, cer_score and wip_score return 0 for an empty prediction, which
    # in an error rate is a perfect one (helm/benchmark/metrics/evaluate_reference_metrics.py).
    found = values(Transcription(), ("a b c", ""), ("d e", ""))
    for name in (WER, "deletion rate (basic v1)", "character error rate (basic v1)"):
        assert found[name] == 1
    assert found["match error rate (basic v1)"] == 1
    assert found["word information lost (basic v1)"] == 1
    assert found["mean utterance error rate"] == found["sentence error rate"] == 1
    assert (found["empty transcripts"], found["length ratio"]) == (1, 0)


def test_words_heard_where_none_were_said_count_and_can_be_left_out():
    # "..." leaves no word: 2 insertions beside 1 error in 4 words
    found = values(Transcription(), ("...", "thank you"), ("a b c d", "a b c x"))
    assert found[WER] == 3 / 4
    assert found["word error rate where words were said (basic v1)"] == 1 / 4


def test_an_error_rate_can_exceed_one():
    assert values(Transcription(), ("a", "x y z"))[WER] == 3


def test_nothing_said_and_nothing_heard_is_no_error():
    played = play(Transcription(), *heard_as(("...", "")))
    assert played.records[0]["errors"] == 0
    assert not played.records[0]["has_error"]
    assert math.isnan(played.estimate(WER).value)
    assert played.estimate("match error rate (basic v1)").reason == (
        "no word was said and none was heard"
    )


def test_rates_by_speaker_are_slices():
    pairs = (("a b", "a b"), ("c d", "c x"), ("e f", ""))
    samples, answer = heard_as(*pairs, speaker=["s", "t", "t"])
    played = play(Transcription(by="speaker", cluster_by="speaker"), samples, answer)
    assert [played.estimate(WER, f"speaker={s}").value for s in "st"] == [0, 0.75]
    assert played.estimate("empty transcripts", "speaker=t").value == 0.5
    assert played.estimate("match error rate (basic v1)").unit == "speaker"
    # one speaker is one unit of the whole; within a slice, utterances are resampled
    one = played.estimate(WER, "speaker=t")
    assert (one.unit, one.low, one.high) == ("sample", 0.5, 1)


def test_records_hold_what_the_figures_are_made_of():
    (record,) = play(Transcription(), *heard_as(("Hello, World", "hello"))).records
    assert record["reference_as_written"] == "Hello, World"
    assert record["hypothesis_as_written"] == "hello"
    again = utterance_record(record["reference_as_written"], "hello", NONE)
    assert again["errors"] == 2


# ------------------------------------------------------------------------------------------------
# The choice of the rule
# ------------------------------------------------------------------------------------------------


def test_the_same_transcripts_under_every_rule():
    # "Mr. Fox!" / "mister fox": two words wrong under none, one under basic, none under english
    samples, answer = heard_as(("Mr. Fox!", "mister fox"), ("Well done.", "Well done"))
    played = play(Transcription(language="en"), samples, answer)
    found = {e.metric: e for e in played.estimates}
    rates = [e for name, e in found.items() if name.startswith("word error rate (")]
    by_rule = {e.metric.split("(")[1].split()[0]: e.value for e in rates}
    assert by_rule == {"basic": 1 / 4, "none": 3 / 4, "english": 0}
    spread = found["word error rate, spread over 3 rules"]
    assert spread.value == 3 / 4
    assert spread.low <= spread.value <= spread.high
    assert len(played.requests) == 2  # nothing more is asked


def test_english_is_not_applied_to_an_unnamed_language():
    found = values(Transcription(), ("a", "a"))
    assert "word error rate, spread over 2 rules" in found
    assert not [name for name in found if "english" in name]


def test_the_spread_is_undefined_where_a_rule_leaves_nothing():
    played = play(Transcription(), *heard_as(("!", "!")))
    spread = played.estimate("word error rate, spread over 2 rules")
    assert math.isnan(spread.value)
    assert spread.reason == "under one of the rules no word was said"


def test_chinese_is_compared_by_character():
    # one of six characters is wrong, whatever the spaces
    found = values(Transcription(normalization="chinese"), ("今天天气很好。", "今天 天气 很号"))
    assert found["word error rate (chinese v1)"] == pytest.approx(1 / 6)
    assert found["character error rate without spaces (chinese v1)"] == pytest.approx(1 / 6)


def test_a_rule_without_its_file_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match=r"normalizer\.json"):
        Transcription(normalization="english-whisper")


# ------------------------------------------------------------------------------------------------
# Speed and word times
# ------------------------------------------------------------------------------------------------


def test_real_time_factor_by_hand():
    # 2 clips of 1 s in 0.1 + 0.4 s: 0.25, and 4 times faster than real time
    found = values(
        Transcription(), ("a", Transcript("a", seconds=0.1)), ("b", Transcript("b", seconds=0.4))
    )
    assert found["real-time factor"] == pytest.approx(0.25)
    assert found["times faster than real time"] == pytest.approx(4)


def test_answers_without_seconds_have_no_real_time_factor():
    played = play(Transcription(), *heard_as(("a", "a")))
    found = played.estimate("real-time factor")
    assert math.isnan(found.value)
    assert found.reason == "no sample has a value of answer_seconds and audio_seconds"


TIMES = [["Hello,", 0.1, 0.5], ["big", 0.6, 0.8], ["world", 0.8, 1.3]]


def timed(*words):
    return Transcript(" ".join(word for word, _, _ in words), tuple(TimedWord(*w) for w in words))


def test_word_boundaries_by_hand():
    # hello: 20 and 60 ms off; "big" was not heard; world: 50 and 150 ms off
    heard = timed(("hello", 0.12, 0.56), ("world", 0.85, 1.45))
    played = play(
        Transcription(word_times=True), *heard_as(("hello big world", heard), word_times=[TIMES])
    )
    assert played.requests[0].word_times
    assert played.estimate("word boundary error (ms)").value == pytest.approx(280 / 4)
    shares = [played.estimate(f"word boundaries within {t} ms").value for t in (50, 100, 200)]
    assert shares == [0.5, 0.75, 1]
    assert played.estimate("timed words that were compared").value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("heard", "times"),
    [(Transcript("hello"), TIMES), (timed(("hello", 0, 1)), None)],
    ids=["the model tells no times", "the sample has no times"],
)
def test_word_times_are_not_measured(heard, times):
    probe = Transcription(word_times=True)
    played = play(probe, *heard_as(("hello big world", heard), word_times=[times]))
    assert played.estimate(WER).value == pytest.approx(2 / 3)
    found = played.estimate("word boundary error (ms)")
    assert math.isnan(found.value)
    assert found.reason == "no sample has a value of boundary_error_ms and boundaries"


def test_a_silent_model_compares_no_word_times():
    probe = Transcription(word_times=True)
    played = play(probe, *heard_as(("hello big world", ""), word_times=[TIMES]))
    assert played.estimate("timed words that were compared").value == 0
    assert math.isnan(played.estimate("word boundaries within 50 ms").value)


def test_a_word_that_the_rule_writes_as_two_keeps_its_times():
    # Under english both are "do not"; the boundaries are those of the one word that was written
    said, heard = [["don't", 0.0, 0.5]], timed(("DON'T", 0.0, 0.6))
    probe = Transcription(word_times=True, normalization="english")
    played = play(probe, *heard_as(("don't", heard), word_times=[said]))
    assert played.estimate("word boundary error (ms)").value == pytest.approx(50)


def test_ill_formed_word_times_are_named():
    probe = Transcription(word_times=True)
    for rows, told in (([["a", 1]], "rows of"), ([["a", 1, 0.5]], "ends before")):
        with pytest.raises(ValueError, match=told):
            play(probe, *heard_as(("a", timed(("a", 0, 1))), word_times=[rows]))


def test_translation_is_asked_for():
    played = play(Transcription(task="translate", language="fr"), *heard_as(("a", "a")))
    assert played.requests[0].task == "translate"


def test_the_contract_is_kept_with_every_option():
    pairs = (("Hello big world", timed(("hello", 0, 1))), ("a b", timed(("a", 0, 1))))
    samples, answer = heard_as(*pairs, word_times=[TIMES, TIMES], speaker=["s", "t"])
    probe = Transcription("english", "en", "speaker", word_times=True, by="speaker")
    check_probe(probe, samples, answer)
