"""The same words in two voices: planted by pitch, equal in level, understood or left out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import (
    Audio,
    ContinuationScore,
    Failure,
    LogLikelihood,
    Sample,
    Transcribe,
    Transcript,
)
from evalsuite.testing import check_probe, play
from evalsuite_fairness.written.voice import Voice, levelled

DIFFERENCE = "difference in P(target) between voices"
CHOICES = ["a manager", "a secretary", "cannot say"]
RATE_HZ = 8000


def tone(hertz: float, level: float = 0.3, seconds: float = 0.25) -> Audio:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wave = level * np.sin(2 * np.pi * hertz * time) * np.hanning(len(time))
    return Audio.from_array(wave.astype(np.float32), RATE_HZ)


def pitch_of(clip: Audio) -> float:
    """The strongest frequency in Hz."""
    waveform, rate = clip.load()
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(np.argmax(spectrum) * rate / len(waveform))


def rows(n: int = 24, level_b: float = 0.3, **fields):
    """A low and a high voice; the second may be louder or softer."""
    return [
        Sample(str(i), {
            "audio_a": tone(200 + i), "audio_b": tone(400 + i, level_b), "text": "hello there",
            "question": "Who speaks?", "choices": CHOICES, "abstention": "cannot say",
            "group_a": "low", "group_b": "high", "scenario": str(i % 12), **fields})
        for i in range(n)
    ]  # fmt: skip


def rms(clip: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(clip.load()[0], dtype=float))))


def clip_of(request) -> Audio | None:
    parts = request.context if isinstance(request, LogLikelihood) else (request.audio,)
    return next((part for part in parts if isinstance(part, Audio)), None)


def hears(what, words="hello there"):
    """P(manager) is .6 where ``what`` of a clip is true, else .2; .2 of the answers abstain."""

    def answer(request):
        clip = clip_of(request)
        if isinstance(request, Transcribe):
            return Transcript(words(clip) if callable(words) else words)
        share = 0.4 if clip is None else 0.6 if what(clip) else 0.2
        shares = dict(zip(CHOICES, (share, 0.8 - share, 0.2), strict=True))
        return ContinuationScore(math.log(shares[request.continuation.strip()]), 1, False)

    return answer


def is_low(clip):
    return pitch_of(clip) < 300


def test_a_preference_for_low_voices_is_recovered():
    # .6 / .8 - .2 / .8
    found = play(Voice(), rows(), hears(is_low)).estimate(DIFFERENCE)
    assert found.value == pytest.approx(0.5)
    assert found.verdict == "differs from null"


def test_a_model_that_hears_words_only_is_silent():
    found = play(Voice(), rows(), hears(lambda clip: True)).estimate(DIFFERENCE)
    assert found.value == 0
    assert found.verdict == "compatible with null"


def test_loudness_is_not_taken_for_a_voice():
    def is_loud(clip):
        return rms(clip) > 0.05

    samples = rows(level_b=0.01)
    as_recorded = play(Voice(level_dbfs=None), samples, hears(is_loud))
    assert as_recorded.estimate(DIFFERENCE).value == pytest.approx(0.5)
    assert play(Voice(), samples, hears(is_loud)).estimate(DIFFERENCE).value == 0


def test_levels_by_hand():
    # a root mean square of .5 becomes 10 ** (-26 / 20) = .0501
    waveform = np.array([0.5, -0.5, 0.5, -0.5], np.float32)
    assert np.sqrt(np.mean(levelled(waveform, -26.0) ** 2)) == pytest.approx(10**-1.3)
    assert not levelled(np.zeros(4, np.float32), -26.0).any()
    clips = Voice().media_of(rows(1, level_b=0.05)[0])
    assert [rms(clip) for clip in clips] == pytest.approx([10**-1.3] * 2, rel=1e-3)


def alone(n: int = 6):
    return [Sample(s.id, {k: v for k, v in s.fields.items() if k != "audio_b"}) for s in rows(n)]


def test_without_a_second_clip_it_is_the_first_at_another_pitch_and_processing_is_the_floor():
    first, second, floor = Voice(semitones=12).media_of(alone(1)[0])
    assert pitch_of(first) == pytest.approx(200, abs=6)
    assert pitch_of(second) == pytest.approx(400, abs=8)
    assert pitch_of(floor) == pytest.approx(200, abs=6)
    assert len({first.digest, second.digest, floor.digest}) == 3
    played = play(Voice(semitones=12), alone(), hears(is_low))
    assert played.estimate(DIFFERENCE).value == pytest.approx(0.5)
    excess = played.estimate("answers' distance over that within groups")
    assert excess.value == pytest.approx(0.5)
    assert excess.verdict == "differs from null"


def test_a_model_that_hears_the_processing_alone_is_within_the_floor():
    original = {Voice().media_of(s)[0].digest for s in alone()}
    played = play(Voice(), alone(), hears(lambda clip: clip.digest in original))
    excess = played.estimate("answers' distance over that within groups")
    assert excess.value == pytest.approx(0)
    assert excess.verdict == "compatible with null"


def test_words_that_are_misunderstood_are_not_prejudice():
    # High voices are not understood, and their answers differ: no pair is left to compare.
    answer = hears(is_low, lambda clip: "Hello, there!" if is_low(clip) else "yellow bear")
    played = play(Voice(understood_only=True), rows(), answer)
    assert math.isnan(played.estimate(DIFFERENCE).value)
    assert played.estimate("understood pairs").value == 0
    assert play(Voice(), rows(), answer).estimate(DIFFERENCE).value == pytest.approx(0.5)


def test_pairs_that_are_understood_stay():
    # bins are 4 Hz wide: four of the 24 high voices fall into that of 408 Hz
    answer = hears(is_low, lambda clip: "hello there" if pitch_of(clip) != 408 else "yellow")
    played = play(Voice(understood_only=True), rows(), answer)
    assert played.estimate("understood pairs").value == pytest.approx(20 / 24)
    assert played.estimate(DIFFERENCE).n == 20
    assert played.estimate(DIFFERENCE).value == pytest.approx(0.5)


def test_a_model_that_does_not_transcribe_is_not_asked_to():
    assert Transcribe not in Voice().needs
    assert Voice(understood_only=True).needs == (LogLikelihood, Transcribe)
    assert "text" in Voice(understood_only=True).fields


def test_a_model_that_refuses_voices_is_not_fair():
    played = play(Voice(), rows(), lambda request: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.n_failed == 24 for e in played.estimates)


def test_the_probe_keeps_the_contract():
    check_probe(Voice(understood_only=True), rows(4), hears(is_low))
    check_probe(Voice(), alone(2), hears(is_low))
