"""Fairness probes: worked numbers, planted effects recovered, refusals never fair."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

from evalsuite import (
    Audio,
    ContinuationScore,
    Embedding,
    Failure,
    Image,
    Sample,
    Similarity,
    SimilarityScale,
    Table,
    Transcript,
)
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.decisions.recorded import RecordedDecisions
from evalsuite_fairness.metrics.disparities import DecisionDisparities
from evalsuite_fairness.pairs.stereotype_pairs import StereotypePairs
from evalsuite_fairness.speech.transcription_gap import TranscriptionGap
from evalsuite_fairness.zero_shot_gap import AudioZeroShotGap, ImageZeroShotGap

# ------------------------------------------------------------------------------------------------
# Stereotype pairs
# ------------------------------------------------------------------------------------------------

PAIRS = [
    Sample(str(i), {"sent_more": f"more {i}", "sent_less": f"less {i}", "bias_type": "x",
                    "stereo_antistereo": "antistereo" if i % 4 == 0 else "stereo"})
    for i in range(40)
]  # fmt: skip


def biased(nats: float):
    """A model that prefers every stereotype by some nats: ``sent_more`` in either direction."""

    def answer(request):
        side, number = request.continuation.split()
        wobble = 0.01 * (int(number) % 7)
        return ContinuationScore(-10.0 + (nats + wobble if side == "more" else 0.0), 4, False)

    return answer


def test_a_planted_preference_is_recovered():
    # mean of 2 + 0.01 (i mod 7) over i < 40: 2 + 0.01 x 115 / 40
    estimate = play(StereotypePairs(), PAIRS, biased(2.0)).estimate("stereotype log-odds")
    assert estimate.value == pytest.approx(2.0 + 0.01 * sum(i % 7 for i in range(40)) / 40)
    assert estimate.verdict == "differs from null"


def test_a_model_without_preference_is_silent():
    played = play(StereotypePairs(), PAIRS, biased(0.0))
    assert played.estimate("stereotype log-odds").verdict == "compatible with null"
    assert played.estimate("stereotype preferred").value == 0.5


def test_a_tiny_but_constant_preference_is_a_tie_and_no_finding():
    # always 0.05 nats: a bare share would say that 100 % of pairs prefer the stereotype
    played = play(StereotypePairs(), PAIRS, biased(0.03))
    assert played.estimate("stereotype preferred").value == 0.5
    assert played.estimate("stereotype log-odds").verdict == "compatible with null"


def test_pairs_of_unequal_length_do_not_count_in_the_size():
    def answer(request):
        longer = request.continuation.startswith("more 1")
        return ContinuationScore(-20.0 if longer else -10.0, 8 if longer else 4, False)

    played = play(StereotypePairs(), PAIRS, answer)
    assert played.estimate("stereotype log-odds").value == 0.0


def test_the_stereotype_contract_is_kept():
    check_probe(StereotypePairs(), PAIRS, biased(1.0))


# ------------------------------------------------------------------------------------------------
# Gaps of zero-shot classification
# ------------------------------------------------------------------------------------------------

LABELS = ("cat", "dog")


def pictures(medium: str, sizes=(60, 60)):
    made = []
    for group, size in zip("AB", sizes, strict=True):
        for i in range(size):
            value = len(made)
            part = (
                Image.from_array(np.full((2, 2, 3), value, np.uint8))
                if medium == "image"
                else Audio.from_array(np.full(8, value / 500, np.float32), 8000)
            )
            made.append(Sample(str(value), {medium: part, "label": LABELS[i % 2], "group": group}))
    return made


def seeing(samples, medium: str, wrong_in_b: float):
    """Right in A; wrong for a share of B."""
    vectors = {}
    for number, sample in enumerate(samples):
        right = LABELS.index(sample["label"])
        is_wrong = sample["group"] == "B" and (number % 10) < 10 * wrong_in_b
        vectors[sample[medium]] = np.eye(2, dtype=np.float32)[1 - right if is_wrong else right]

    def answer(request):
        if isinstance(request, SimilarityScale):
            return Similarity(5.0)
        part = getattr(request, "image", None) or getattr(request, "audio", None)
        if part is not None:
            return Embedding(vectors[part])
        return Embedding(np.eye(2, dtype=np.float32)[LABELS.index(request.text.split()[-1])])

    return answer


@pytest.mark.parametrize(
    ("probe", "medium"), [(ImageZeroShotGap(), "image"), (AudioZeroShotGap(), "audio")]
)
def test_a_planted_gap_is_recovered(probe, medium):
    samples = pictures(medium)
    estimate = play(probe, samples, seeing(samples, medium, 0.4)).estimate("accuracy gap")
    assert estimate.value == pytest.approx(0.4)
    assert estimate.verdict == "differs from null"
    assert estimate.extra["worst_group"] == "B"


def test_no_gap_is_silent():
    samples = pictures("image")
    played = play(ImageZeroShotGap(), samples, seeing(samples, "image", 0.0))
    assert played.estimate("accuracy gap").verdict == "compatible with null"


def test_a_group_that_is_too_small_is_undefined_not_fair():
    samples = pictures("image", sizes=(60, 10))
    estimate = play(ImageZeroShotGap(), samples, seeing(samples, "image", 0.4)).estimate(
        "accuracy gap"
    )
    assert math.isnan(estimate.value)
    assert "fewer than two groups" in estimate.reason


def test_the_gap_contract_is_kept():
    samples = pictures("image")
    check_probe(ImageZeroShotGap(), samples, seeing(samples, "image", 0.2))


# ------------------------------------------------------------------------------------------------
# Gaps of transcription
# ------------------------------------------------------------------------------------------------


WER_GAP = "word error rate (basic v1) gap"


def utterances():
    return [
        Sample(str(i), {"audio": Audio.from_array(np.full(8, i / 500, np.float32), 8000),
                        "text": "one two three four five", "group": "AB"[i % 2],
                        "speaker": f"{'AB'[i % 2]}{i % 20}"})
        for i in range(120)
    ]  # fmt: skip


def test_every_fifth_word_dropped_for_one_group_is_a_gap_of_a_fifth():
    samples = utterances()
    group = {sample["audio"]: sample["group"] for sample in samples}

    def answer(request):
        return Transcript("one two three four" + (" five" if group[request.audio] == "A" else ""))

    estimate = play(TranscriptionGap(), samples, answer).estimate(WER_GAP)
    assert estimate.value == pytest.approx(0.2)
    assert estimate.verdict == "differs from null"
    assert estimate.unit == "speaker"


def test_equal_errors_in_both_groups_are_silent():
    played = play(TranscriptionGap(), utterances(), lambda r: Transcript("one two three four"))
    assert played.estimate(WER_GAP).verdict == "compatible with null"


def test_a_transcriber_that_fails_everything_is_not_fair():
    played = play(TranscriptionGap(), utterances(), lambda r: Failure("refused", "no"))
    assert all(math.isnan(e.value) for e in played.estimates)


def test_the_rule_decides_what_is_an_error():
    # "OK" against "ok" is an error in every fifth word under none, and none under basic
    samples = [
        replace(s, fields={**s.fields, "text": "one two three four OK"}) for s in utterances()
    ]
    group = {sample["audio"]: sample["group"] for sample in samples}

    def answer(request):
        return Transcript("one two three four " + ("OK" if group[request.audio] == "A" else "ok"))

    plain = play(TranscriptionGap(normalization="none"), samples, answer)
    assert plain.estimate("word error rate (none v1) gap").value == pytest.approx(0.2)
    assert play(TranscriptionGap(), samples, answer).estimate(WER_GAP).value == 0


def test_the_gap_is_asked_in_the_language_of_the_task():
    samples = utterances()[:2]
    played = play(TranscriptionGap(language="en"), samples, lambda r: Transcript("one"))
    assert [request.language for request in played.requests] == ["en", "en"]


# ------------------------------------------------------------------------------------------------
# Recorded decisions
# ------------------------------------------------------------------------------------------------

Y = [1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0]
P = [1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1]
WORKED = [
    {"label": y, "decision": p, "group": "AB"[i >= 6]}
    for i, (y, p) in enumerate(zip(Y, P, strict=True))
]


def worked(name: str) -> float:
    estimates = DecisionDisparities(minimum=1).estimate(
        Table.from_records(WORKED), generator(0, "test")
    )
    return next(e.value for e in estimates if e.metric == name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # selection rates 4/6 and 2/6; TPR 3/4 and 1/3; FPR 1/2 and 1/3
        ("demographic parity difference", 1 / 3),
        ("demographic parity ratio", 0.5),
        ("equal opportunity difference", 0.75 - 1 / 3),
        ("equalized odds difference", 0.75 - 1 / 3),
    ],
)
def test_disparities_by_hand(name, value):
    assert worked(name) == pytest.approx(value, abs=1e-9)


def test_a_group_without_positives_is_left_out_not_counted_as_zero():
    rows = [{**r, "group": "C", "label": 0} for r in WORKED[:6]] + WORKED
    estimates = DecisionDisparities(minimum=2).estimate(
        Table.from_records(rows), generator(0, "test")
    )
    found = next(e for e in estimates if e.metric == "equal opportunity difference")
    assert found.value == pytest.approx(0.75 - 1 / 3)


def test_compas_error_rates_are_the_published_ones(data):
    """ProPublica: FPR/FNR 44.85/27.99 for African-American, 23.45/47.72 for Caucasian people."""
    path = data / "compas_two_years" / "compas-scores-two-years.deid.csv"
    if not path.exists():
        pytest.skip("the COMPAS file is not here")
    with path.open(newline="") as stream:
        samples = [Sample(str(i), row) for i, row in enumerate(csv.DictReader(stream))]
    probe = RecordedDecisions(
        prediction="decile_score", label="two_year_recid", group="race", threshold=5
    )
    played = play(probe, samples, lambda request: None)
    for group, fpr, fnr in (("African-American", 44.85, 27.99), ("Caucasian", 23.45, 47.72)):
        found_fpr = played.estimate("false positive rate", f"group={group}").value
        found_fnr = played.estimate("false negative rate", f"group={group}").value
        assert (round(100 * found_fpr, 2), round(100 * found_fnr, 2)) == (fpr, fnr)
