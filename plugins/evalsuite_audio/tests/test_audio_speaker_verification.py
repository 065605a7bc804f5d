"""Speaker verification on encoders that know voices, know nothing, and know digits only."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from evalsuite import Audio, DataError, Embedding, Failure, Sample
from evalsuite.registry import installed
from evalsuite.statistics import equal_error_rate
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.speaker_verification import SpeakerVerification

SPEAKERS, EACH = 6, 3
CLIPS = {
    (speaker, number): Audio.from_array(
        np.full(8, 0.01 * (1 + EACH * speaker + number), np.float32), 8000
    )
    for speaker in range(SPEAKERS)
    for number in range(EACH)
}
SPEAKER_OF = {audio: speaker for (speaker, _), audio in CLIPS.items()}


def trials(**more) -> list[Sample]:
    pairs = itertools.combinations(CLIPS.items(), 2)
    return [
        Sample(
            str(i),
            {"audio_a": a, "audio_b": b, "same": one[0] == other[0],
             "speaker_a": one[0], "speaker_b": other[0], **more},
        )
        for i, ((one, a), (other, b)) in enumerate(pairs)
    ]  # fmt: skip


SAMPLES = trials()


def knows(request):
    return Embedding(np.eye(SPEAKERS, dtype=np.float32)[SPEAKER_OF[request.audio]])


def constant(request):
    return Embedding(np.linspace(0.01, 0.3, 37, dtype=np.float32))


def half_knows(request):
    """Two speakers sound alike: 0 and 1."""
    return Embedding(np.eye(SPEAKERS, dtype=np.float32)[max(1, SPEAKER_OF[request.audio])])


def test_one_who_knows_voices_makes_no_error():
    played = play(SpeakerVerification(), SAMPLES, knows)
    for name in ("equal error rate", "minDCF (p = 0.01)", "minDCF (p = 0.05)"):
        estimate = played.estimate(name)
        assert estimate.value == 0.0
        assert estimate.verdict == "differs from null"
    # none of six speakers: 1 - .025^(1/6)
    assert played.estimate("equal error rate").high == pytest.approx(1 - 0.025 ** (1 / 6))
    assert played.estimate("mean score of the same speaker").value == 1.0
    assert played.estimate("mean score of different speakers").value == 0.0


def test_a_constant_encoder_is_exactly_at_chance():
    played = play(SpeakerVerification(), SAMPLES, constant)
    for name, chance in (("equal error rate", 0.5), ("minDCF (p = 0.01)", 1.0)):
        estimate = played.estimate(name)
        assert estimate.value == estimate.null.value == chance
        assert estimate.verdict == "compatible with null"


def test_two_voices_taken_for_one_by_hand():
    # 18 same trials score 1, of 135 different ones the 9 between speakers 0 and 1 too. Accepting
    # all: (FAR, FRR) = (1, 0); scores of 1: (9/135, 0); none: (0, 1). The last line crosses
    # FAR = FRR at x = 1/15 - x/15: x = 1/16
    estimate = play(SpeakerVerification(), SAMPLES, half_knows).estimate("equal error rate")
    assert estimate.value == pytest.approx(1 / 16)
    assert estimate.unit == "speaker"
    assert (estimate.n, estimate.extra["n_same"], estimate.extra["n_different"]) == (153, 18, 135)
    assert estimate.extra["n_speakers"] == 6


def test_without_speakers_clips_are_resampled():
    bare = [Sample(s.id, {k: s[k] for k in ("audio_a", "audio_b", "same")}) for s in SAMPLES]
    estimate = play(SpeakerVerification(), bare, half_knows).estimate("equal error rate")
    assert estimate.unit == "clip"
    assert estimate.extra["n_clips"] == 18


def test_one_kind_of_trial_gives_no_number_but_a_reason():
    same = [sample for sample in SAMPLES if sample["same"]]
    estimate = play(SpeakerVerification(), same, knows).estimate("equal error rate")
    assert math.isnan(estimate.value)
    assert "both kinds" in estimate.reason
    assert estimate.n == 18


def test_groups_have_rates_of_their_own():
    rows = [*trials(group="A"), *trials(group="B")]
    played = play(SpeakerVerification(), rows, half_knows)
    assert played.estimate("equal error rate", "group=B").value == pytest.approx(1 / 16)


def test_a_model_that_refuses_has_no_rate():
    played = play(SpeakerVerification(), SAMPLES, lambda request: Failure("refused", "no"))
    assert math.isnan(played.estimate("equal error rate").value)
    assert played.estimate("equal error rate").n_failed == len(SAMPLES)


def test_a_vector_without_a_direction_is_no_score():
    with pytest.raises(DataError, match="no length"):
        play(SpeakerVerification(), SAMPLES[:1], lambda r: Embedding(np.zeros(3, np.float32)))


@pytest.mark.parametrize(
    ("given", "expected"), [("target", 1), ("Nontarget", 0), ("1", 1), (0, 0), (1.0, 1), (True, 1)]
)
def test_the_truth_may_be_written_as_trial_lists_do(given, expected):
    sample = Sample("0", {**SAMPLES[0].fields, "same": given})
    assert play(SpeakerVerification(), [sample], knows).records[0]["is_same"] == expected


def test_anything_else_is_refused():
    with pytest.raises(DataError, match="same must say"):
        play(SpeakerVerification(), [Sample("0", {**SAMPLES[0].fields, "same": "maybe"})], knows)
    with pytest.raises(ValueError, match="between 0 and 1"):
        SpeakerVerification(p_targets=(1.0,))


def test_the_contract_of_verification_is_kept():
    check_probe(SpeakerVerification(), SAMPLES, half_knows)


def test_speaker_verification_is_registered():
    found = installed().require("probe", "audio/speaker-verification").load()
    assert found is SpeakerVerification


# ------------------------------------------------------------------------------------------------
# Real voices
# ------------------------------------------------------------------------------------------------


def digit_trials(data) -> list[Sample]:
    """All pairs of 10 clips of each of the six speakers of FSDD: 1,770 trials."""
    paths = sorted((data / "fsdd_test").glob("[0-4]_*_[01].wav"))
    if not paths:
        pytest.skip("the spoken digits are not here")
    clips = [(path.stem.split("_")[1], Audio(path=path)) for path in paths]
    return [
        Sample(str(i), {"audio_a": a, "audio_b": b, "same": one == other,
                        "speaker_a": one, "speaker_b": other})
        for i, ((one, a), (other, b)) in enumerate(itertools.combinations(clips, 2))
    ]  # fmt: skip


def spectrum(request):
    """The mean log spectrum of a clip, in 32 bands, less its mean: who speaks colours it."""
    waveform, _ = request.audio.load()
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 256)[::128] * np.hanning(256)
    power = (np.abs(np.fft.rfft(frames, axis=1)[:, 1:]) ** 2).reshape(len(frames), 32, 4).sum(2)
    mean = np.log(power + 1e-8).mean(axis=0)
    centred = (mean - mean.mean()).astype(np.float32)
    return Embedding(centred / np.linalg.norm(centred))


def test_speakers_of_real_digits_are_told_apart_by_their_spectra(data):
    rows = digit_trials(data)
    vectors = {}

    def answer(request):
        if request.audio not in vectors:
            vectors[request.audio] = spectrum(request)
        return vectors[request.audio]

    played = play(SpeakerVerification(), rows, answer)
    estimate = played.estimate("equal error rate")
    scores = [(record["score"], record["is_same"]) for record in played.records]
    assert estimate.value == pytest.approx(equal_error_rate(*zip(*scores)))
    assert estimate.value < 0.4
    assert estimate.extra["n_speakers"] == 6
    assert estimate.verdict == "differs from null"
