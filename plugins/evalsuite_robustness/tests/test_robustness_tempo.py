"""Tempo and pitch: exact by the dial, and the times of words move along."""

from __future__ import annotations

import numpy as np
import pytest
from spoilt_sounds import RATE, SAMPLES, heard, waveform_of

from evalsuite import Audio, Sample
from evalsuite_robustness.missing import PermutedAudio
from evalsuite_robustness.sounds.tempo import Pitch, Speed, Tempo

A4 = Audio.from_array(0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE), RATE)


def peak_hz(waveform: np.ndarray) -> float:
    window = np.hanning(len(waveform))
    return float(np.argmax(np.abs(np.fft.rfft(waveform * window))) * RATE / len(waveform))


@pytest.mark.parametrize(
    ("changed", "seconds", "hertz"),
    [
        (Speed(2.0), 1.0, 880), (Speed(0.8), 2.5, 352), (Tempo(2.0), 1.0, 440),
        (Tempo(0.8), 2.5, 440), (Pitch(12), 2.0, 880), (Pitch(-12), 2.0, 220),
        (Pitch(3), 2.0, 440 * 2 ** 0.25),
    ],
)  # fmt: skip
def test_time_and_pitch_change_as_the_dial_says(changed, seconds, hertz):
    after = heard(changed, A4)
    assert len(after) == pytest.approx(seconds * RATE, abs=1)
    assert peak_hz(after) == pytest.approx(hertz, abs=1.5)


def test_tempo_one_and_pitch_zero_change_no_sample():
    for changed in (Tempo(1.0), Pitch(0.0), Speed(1.0)):
        assert heard(changed) == pytest.approx(waveform_of(SAMPLES[0]["audio"]), abs=1e-6)


def test_a_faster_tape_does_not_alias():
    """At twice the speed 6 kHz would be 12 kHz, beyond what 16 kHz can carry: it must vanish."""
    high = Audio.from_array(np.sin(2 * np.pi * 6000 * np.arange(RATE) / RATE), RATE)
    assert np.abs(heard(Speed(2.0), high)[100:-100]).max() < 1e-2


# ------------------------------------------------------------------------------------------------
# Words that are timed
# ------------------------------------------------------------------------------------------------

TIMED = [Sample(s.id, {**s.fields, "word_times": [["one", 0.2, 0.5]]}) for s in SAMPLES]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [(Speed(2.0), ["one", 0.1, 0.25]), (Tempo(0.8), ["one", 0.25, 0.625])],
)
def test_word_times_move_with_the_words(changed, expected):
    (row,) = changed.samples(TIMED, 0)[0]["word_times"]
    assert row == pytest.approx(expected)


@pytest.mark.parametrize("changed", [Speed(1.25), Speed(0.6), Tempo(1.6), Tempo(0.8)])
def test_a_click_is_heard_where_its_moved_time_says(changed):
    clip = np.zeros(2 * RATE, np.float32)
    clip[round(1.2 * RATE) : round(1.2 * RATE) + 80] = 0.5
    fields = {"audio": Audio.from_array(clip, RATE), "word_times": [["click", 1.2, 1.205]]}
    (after,) = changed.samples([Sample("0", fields)], 0)
    loudest = int(np.argmax(np.abs(after["audio"].load()[0])))
    assert loudest / RATE == pytest.approx(after["word_times"][0][1], abs=0.02)


@pytest.mark.parametrize("rows", [[["one", 0.2]], "0.2", 7, [["one", "early", "late"]]])
def test_ill_formed_word_times_are_left_for_the_probe_to_refuse(rows):
    fields = {**SAMPLES[0].fields, "word_times": rows}
    assert Speed(2.0).samples([Sample("0", fields)], 0)[0]["word_times"] == rows


def test_times_of_a_pitch_stay_and_those_of_another_clip_are_dropped():
    assert Pitch(3).samples(TIMED, 0)[0]["word_times"] == [["one", 0.2, 0.5]]
    assert all("word_times" not in after.fields for after in PermutedAudio().samples(TIMED, 0))
