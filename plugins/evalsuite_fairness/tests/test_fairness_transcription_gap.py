"""Gaps of word error rates: worked numbers, planted and matched gaps, silence where none is."""

from __future__ import annotations

import math

import jiwer
import numpy as np
import pytest
from fairlearn.metrics import MetricFrame

from evalsuite import Audio, Failure, GroupRatioGap, Sample, Table, Transcript
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.metrics.axis_gaps import AxisGaps
from evalsuite_fairness.metrics.matched_gap import MatchedRatioGap
from evalsuite_fairness.metrics.rate_ratio import RateRatio
from evalsuite_fairness.speech.matching import strata_of
from evalsuite_fairness.speech.transcription_gap import TranscriptionGap

RATE = "word error rate (basic v1)"
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def clip(number: int, n_samples: int = 80) -> Audio:
    return Audio.from_array(np.full(n_samples, (number % 900) / 1000, np.float32), 8000)


def spoken(rows, **fields):
    """Samples of (group, speaker, said, heard), and what transcribes them."""
    samples, heard_of = [], {}
    for number, (group, speaker, said, heard) in enumerate(rows):
        audio = clip(number)
        heard_of[audio.digest] = heard
        known = {"audio": audio, "text": said, "group": group, "speaker": speaker, **fields}
        samples.append(Sample(str(number), known))
    return samples, lambda request: Transcript(heard_of[request.audio.digest])


def words(n: int, wrong: int = 0) -> str:
    return " ".join(["oops"] * wrong + NUMBERS[wrong:n])


# Errors of words by utterance: A has 0 of 3, 1 of 5 and 0 of 3; B has 1 of 4 and 3 of 6.
WORKED = [("A", 3, 0), ("A", 5, 1), ("B", 4, 1), ("B", 6, 3), ("A", 3, 0)]


def worked():
    rows = [(g, f"{g}{i}", words(n), words(n, wrong)) for i, (g, n, wrong) in enumerate(WORKED)]
    return play(TranscriptionGap(min_group_size=1), *spoken(rows))


def test_corpus_and_utterance_gaps_by_hand():
    played = worked()
    # 1 of 11 and 4 of 10 words
    assert played.estimate(RATE, "group=A").value == pytest.approx(1 / 11)
    assert played.estimate(RATE, "group=B").value == pytest.approx(0.4)
    assert played.estimate(f"{RATE} gap").value == pytest.approx(0.309091, abs=1e-6)
    assert played.estimate(f"{RATE} gap").extra["worst_group"] == "B"
    # (0 + 1/5 + 0) / 3 and (1/4 + 1/2) / 2
    mean = "mean utterance error rate"
    assert played.estimate(mean, "group=A").value == pytest.approx(0.066667, abs=1e-6)
    assert played.estimate(mean, "group=B").value == pytest.approx(0.375)
    assert played.estimate(f"{mean} gap").value == pytest.approx(0.308333, abs=1e-6)


def test_the_ratio_is_of_highest_to_lowest_and_fairlearn_gives_its_reciprocal():
    said = [words(n) for _, n, _ in WORKED]
    heard = [words(n, wrong) for _, n, wrong in WORKED]
    frame = MetricFrame(
        metrics=lambda y, z: jiwer.wer(list(y), list(z)),
        y_true=said, y_pred=heard, sensitive_features=[g for g, _, _ in WORKED],
    )  # fmt: skip
    played = worked()
    assert played.estimate(f"{RATE} ratio").value == pytest.approx(4.4)
    assert frame.ratio() == pytest.approx(0.227273, abs=1e-6)
    assert frame.ratio() == pytest.approx(1 / played.estimate(f"{RATE} ratio").value)
    assert frame.difference() == pytest.approx(played.estimate(f"{RATE} gap").value)


def test_half_wrong_is_not_mostly_wrong():
    # one utterance of B has exactly half its words wrong
    assert worked().estimate("mostly wrong utterances gap").value == 0


def test_words_that_nobody_said_are_counted_by_group():
    # B's transcripts add two words to five: 0.4 more; nothing else is wrong
    rows = [
        (g, f"{g}{i % 6}", words(5), words(5) + (" and so" if g == "B" else ""))
        for i, g in enumerate("AB" * 40)
    ]
    played = play(TranscriptionGap(), *spoken(rows))
    found = played.estimate("insertion rate gap")
    assert found.value == pytest.approx(0.4)
    assert found.verdict == "differs from null"
    assert played.estimate("mostly wrong utterances gap").value == 0


# ------------------------------------------------------------------------------------------------
# Matching
# ------------------------------------------------------------------------------------------------


def confounded(n: int = 240, per_group: int = 12):
    """Both groups have 0.1 of short and 0.5 of long utterances wrong; B speaks more long ones."""
    rows = []
    for number in range(n):
        group = "AB"[number % 2]
        is_long = (number // 2) % 4 < (1 if group == "A" else 3)
        wrong = (1, 5)[is_long]
        speaker = f"{group}{number // 2 % (per_group + 1)}"
        rows.append((group, speaker, words(10), words(10, wrong), is_long))
    return rows


def test_a_gap_by_what_is_said_vanishes_among_matched_utterances():
    rows = confounded()
    samples, answer = spoken([row[:4] for row in rows])
    samples = [
        Sample(s.id, {**s.fields, "kind": "long" if row[4] else "short"})
        for s, row in zip(samples, rows, strict=True)
    ]
    played = play(TranscriptionGap(match_on=("kind",)), samples, answer)
    # A: 3/4 of 0.1 and 1/4 of 0.5 = 0.2; B: 0.4
    assert played.estimate(f"{RATE} gap").value == pytest.approx(0.2)
    assert played.estimate(f"{RATE} gap").verdict == "differs from null"
    matched = played.estimate(f"{RATE} on matched utterances gap")
    assert matched.value == pytest.approx(0, abs=1e-12)
    assert matched.verdict == "compatible with null"
    assert matched.extra["strata"] == 2
    assert matched.extra["matched_share"] == 1


def matched_gap(rows, **options):
    """Rows of (errors, words, group, stratum)."""
    records = [dict(zip(("e", "w", "g", "stratum"), row, strict=True)) for row in rows]
    metric = MatchedRatioGap("e", "w", "g", name="rate gap", min_group_size=1, **options)
    return metric.estimate(Table.from_records(records), generator(0, "m"))


def test_the_matched_gap_by_hand():
    # x holds 30 matched words and y 10; z has no B and is left out.
    # A: .75 * 2/10 + .25 * 0/5 = .15; B: .75 * 10/20 + .25 * 1/5 = .425
    rows = [(2, 10, "A", "x"), (10, 20, "B", "x"), (0, 5, "A", "y"), (1, 5, "B", "y"),
            (9, 9, "A", "z"), (0, 9, "A", None)]  # fmt: skip
    gap, a, b = matched_gap(rows)
    assert (a.value, b.value) == (pytest.approx(0.15), pytest.approx(0.425))
    assert gap.value == pytest.approx(0.275)
    assert (gap.n, gap.extra["strata"]) == (4, 2)
    assert gap.extra["matched_share"] == pytest.approx(4 / 6)


def test_groups_without_a_common_stratum_have_no_matched_gap():
    gap, *_ = matched_gap([(1, 5, "A", "x"), (1, 5, "B", "y")])
    assert math.isnan(gap.value)
    assert gap.reason


def test_without_strata_matching_changes_nothing():
    rng = np.random.default_rng(3)
    rows = [(int(rng.integers(0, 4)), 5, "ABC"[i % 3], "all") for i in range(90)]
    records = [{"e": e, "w": w, "g": g} for e, w, g, _ in rows]
    plain = GroupRatioGap("e", "w", "g", name="rate gap", min_group_size=1)
    expected = plain.estimate(Table.from_records(records), generator(0, "m"))[0]
    found = matched_gap(rows)[0]
    assert found.value == pytest.approx(expected.value)
    assert found.null.value == pytest.approx(expected.null.value, abs=0.02)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.03)


def test_numbers_are_coarsened_and_texts_are_not():
    rows = [{"s": float(i), "age": "old" if i % 2 else "young"} for i in range(10)]
    # quintiles of 0 to 9: two numbers each
    assert strata_of(rows, ["s"]) == [f"bin {i // 2}" for i in range(10)]
    assert strata_of(rows[:2], ["age"]) == ["young", "old"]
    assert strata_of([{"age": ""}, {"age": None}, {}], ["age"]) == [None, None, None]
    assert strata_of([{"s": 1.0, "age": "old"}], ["s", "age"], 1) == ["bin 0 · old"]


def test_a_clip_s_duration_is_something_to_match_on():
    samples, answer = spoken([("A", "a", words(2), words(2)), ("B", "b", words(2), words(2))])
    played = play(TranscriptionGap(min_group_size=1, match_on=("duration_s",)), samples, answer)
    assert [record["duration_s"] for record in played.records] == [0.01, 0.01]


# ------------------------------------------------------------------------------------------------
# Nothing to find
# ------------------------------------------------------------------------------------------------


def speakers(seed: int, n_speakers: int = 20, each: int = 6):
    """Speakers with error rates of their own; groups have nothing to do with them."""
    rng = np.random.default_rng(seed)
    records = []
    for speaker in range(n_speakers):
        rate = rng.beta(2, 8)
        for _ in range(each):
            n_words = int(rng.integers(5, 15))
            records.append({"e": int(rng.binomial(n_words, rate)), "w": n_words,
                            "g": "AB"[speaker % 2], "speaker": str(speaker),
                            "stratum": str(n_words > 9)})  # fmt: skip
    return Table.from_records(records)


@pytest.mark.parametrize(
    "metric",
    [
        GroupRatioGap("e", "w", "g", name="gap", clusters="speaker"),
        MatchedRatioGap("e", "w", "g", name="gap", clusters="speaker"),
        RateRatio("e", "g", clusters="speaker", denominator="w"),
    ],
    ids=["corpus", "matched", "ratio"],
)
def test_shuffled_speakers_are_silent_in_at_least_93_of_100_seeds(metric):
    found = [metric.estimate(speakers(seed), generator(seed, "x"))[0] for seed in range(100)]
    assert sum(one.verdict == "compatible with null" for one in found) >= 93


def test_rows_taken_for_independent_would_call_speakers_a_gap():
    # the mistake that clustering by speaker avoids: six utterances of one voice are not six voices
    by_row = GroupRatioGap("e", "w", "g", name="gap", margin=0)
    by_speaker = GroupRatioGap("e", "w", "g", name="gap", margin=0, clusters="speaker")
    tables = [speakers(seed) for seed in range(40)]

    def rejected(metric):
        return sum(metric.estimate(t, generator(0, "x"))[0].extra["p_value"] < 0.05 for t in tables)

    assert rejected(by_speaker) <= 6 < rejected(by_row)


def test_the_same_clips_under_both_labels_have_no_gap():
    once, answer = spoken([("A", f"s{i % 8}", words(6), words(6, i % 4)) for i in range(64)])
    twice = once + [Sample(f"b{s.id}", {**s.fields, "group": "B"}) for s in once]
    played = play(TranscriptionGap(), twice, answer)
    for name in (f"{RATE} gap", f"{RATE} on matched utterances gap", "insertion rate gap"):
        assert played.estimate(name).value == pytest.approx(0, abs=1e-12)
        assert played.estimate(name).verdict == "compatible with null"


def test_each_speaker_split_in_half_is_silent():
    rng = np.random.default_rng(5)
    rows = []
    for speaker in range(10):
        rate = rng.beta(2, 6)
        rows += [("AB"[i % 2], f"s{speaker}", words(10), words(10, int(rng.binomial(10, rate))))
                 for i in range(12)]  # fmt: skip
    played = play(TranscriptionGap(), *spoken(rows))
    assert played.estimate(f"{RATE} gap").verdict == "compatible with null"
    assert played.estimate(f"{RATE} gap").unit == "speaker"


def test_a_transcriber_that_writes_nothing_is_wrong_for_everyone_and_says_so():
    rows = [("AB"[i % 2], f"s{i % 8}", words(5), "") for i in range(80)]
    played = play(TranscriptionGap(), *spoken(rows))
    assert played.estimate(RATE).value == 1
    assert played.estimate("empty transcripts").value == 1
    # All are served equally badly, which a gap of 0 would call fair.
    assert math.isnan(played.estimate(f"{RATE} gap").value)
    assert "not fair" in played.estimate(f"{RATE} gap").reason


def test_a_transcriber_that_refuses_is_no_fair_one():
    said = "I'm sorry, but I cannot help with that."
    rows = [("AB"[i % 2], f"s{i % 8}", words(5), said) for i in range(80)]
    played = play(TranscriptionGap(), *spoken(rows))
    assert played.estimate("refused transcripts").value == 1
    assert math.isnan(played.estimate(f"{RATE} gap").value)
    # Who says so is understood.
    rows = [("AB"[i % 2], f"s{i % 8}", said, said) for i in range(80)]
    assert play(TranscriptionGap(), *spoken(rows)).estimate("refused transcripts").value == 0


def test_a_transcriber_that_fails_everything_has_no_gap():
    samples, _ = spoken([("AB"[i % 2], f"s{i % 8}", "one", "one") for i in range(80)])
    played = play(TranscriptionGap(), samples, lambda request: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.n_failed == 80 for e in played.estimates)


def test_a_sample_without_a_group_is_a_group_of_none():
    samples, answer = spoken([("A", "s", "one", "one"), ("", "s", "one", "one")])
    with pytest.raises(Exception, match="has no group"):
        play(TranscriptionGap(), samples, answer)


# ------------------------------------------------------------------------------------------------
# Several axes
# ------------------------------------------------------------------------------------------------


def test_axes_are_adjusted_for_how_many_they_are():
    rng = np.random.default_rng(0)
    records = [
        {"e": int(rng.binomial(10, 0.4 if i % 2 else 0.1)), "w": 10, "sex": "fm"[i % 2],
         "age": str(rng.integers(2)), "accent": "" if i < 40 else str(rng.integers(2))}
        for i in range(240)
    ]  # fmt: skip
    gap = GroupRatioGap("e", "w", "sex", name="rate gap", higher_is_worse=True)
    metric = AxisGaps(gap, ("sex", "age", "accent"))
    found = {e.slice: e for e in metric.estimate(Table.from_records(records), generator(0, "a"))}
    sex, age, accent = (found[f"axis={axis}"] for axis in ("sex", "age", "accent"))
    # three p-values; the smallest is multiplied by three (Benjamini and Hochberg)
    assert sex.extra["p_adjusted"] == pytest.approx(3 * sex.extra["p_value"])
    assert sex.extra["n_comparisons"] == 3
    assert sex.verdict == "differs from null"
    assert age.extra["p_adjusted"] >= age.extra["p_value"] > 0.05
    assert found["accent=0"].n + found["accent=1"].n == accent.n == 200


def test_the_probe_keeps_the_contract():
    rows = [("AB"[i % 2], f"s{i % 8}", words(5), words(5, i % 3)) for i in range(24)]
    samples, answer = spoken(rows, sex="f")
    check_probe(
        TranscriptionGap(axes=("sex",), match_on=("reference", "duration_s")), samples, answer
    )
