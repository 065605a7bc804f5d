"""Sound stretched and moved in pitch: lengths are exact, tones end up where they should."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite.vocoder import pitched, stretched

RATE = 16_000


def tone(hertz, seconds=1.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def loudest_hz(waveform):
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return spectrum.argmax() * RATE / len(waveform)


@pytest.mark.parametrize("semitones", [-12, -3, 4, 12])
def test_a_tone_moves_by_the_ratio_and_keeps_its_length(semitones):
    moved = pitched(tone(500), semitones, RATE)
    assert len(moved) == RATE
    assert loudest_hz(moved) == pytest.approx(500 * 2 ** (semitones / 12), rel=0.01)


def test_stretching_keeps_the_pitch():
    longer = stretched(tone(500), 24_000, RATE)
    assert len(longer) == 24_000
    assert loudest_hz(longer) == pytest.approx(500, rel=0.01)


def test_the_same_length_is_the_same_sound():
    assert (stretched(tone(500), RATE, RATE) == tone(500)).all()


def test_a_clip_shorter_than_a_window_is_moved_as_well():
    assert len(pitched(tone(500, 0.005), 3, RATE)) == 80
