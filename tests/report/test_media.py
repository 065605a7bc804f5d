"""Pictures and clips inside the page: what is shown of a sound, and how it is made small."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile
from PIL import Image as Pillow

from evalsuite import Audio
from evalsuite.report.media import MAX_SECONDS, MP3_KBPS, sound
from evalsuite.report.spectrogram import (
    BANDS,
    LEVELS,
    RANGE_DB,
    WIDTH_PX,
    _palette,
    hertz,
    mel,
    mel_levels,
    spectrogram_png,
)

RATE = 16_000


def tone(frequency_hz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate)


def bytes_of(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


def clip_of(waveform, rate: int = RATE):
    return sound(Audio.from_array(np.asarray(waveform, np.float32), rate).encoded())


# ------------------------------------------------------------------------------------------------
# The spectrogram
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
@pytest.mark.parametrize("frequency_hz", [60, 440, 3000])
def test_a_tone_lies_in_its_band(frequency_hz, rate):
    """Band b is centred at (b + 1) / 65 of the mel axis."""
    levels = mel_levels(tone(frequency_hz, rate=rate), rate)
    loudest = int(np.argmax(levels.mean(axis=1)))
    centre = hertz((loudest + 1) * mel(rate / 2) / (BANDS + 1))
    assert centre == pytest.approx(frequency_hz, rel=0.06, abs=20)


def test_thousand_hertz_are_thousand_mel():
    assert mel(1000) == pytest.approx(1000, abs=0.02)
    assert hertz(mel(440.0)) == pytest.approx(440)


def test_a_click_lies_at_its_time():
    for seconds, place in ((1.0, 0.25), (12.0, 0.5), (5.0, 0.9)):
        waveform = np.zeros(round(seconds * RATE))
        waveform[round(place * len(waveform))] = 1
        loudest = int(np.argmax(mel_levels(waveform, RATE).mean(axis=0)))
        assert (loudest + 0.5) / WIDTH_PX == pytest.approx(place, abs=0.02)


def test_levels_are_decibels_below_the_loudest():
    """Half of the amplitude is 6.02 dB less."""
    waveform = np.concatenate([tone(1000), 0.5 * tone(1000)])
    levels = mel_levels(waveform, RATE).max(axis=0)
    assert levels.max() == 0
    assert levels[80] - levels[240] == pytest.approx(6.02, abs=0.01)
    assert levels.min() >= -RANGE_DB


def test_silence_and_single_samples_are_drawn():
    assert (mel_levels(np.zeros(100), RATE) == -RANGE_DB).all()
    assert mel_levels(np.ones(1), RATE).shape == (BANDS, WIDTH_PX)


def test_the_picture_is_small_and_the_same_every_time():
    waveform = np.random.default_rng(0).standard_normal(12 * RATE)
    png = spectrogram_png(waveform, RATE)
    assert png == spectrogram_png(waveform.copy(), RATE)
    assert len(png) < 20_000
    assert Pillow.open(io.BytesIO(png)).size == (WIDTH_PX, BANDS)


def test_low_frequencies_are_drawn_below():
    picture = Pillow.open(io.BytesIO(spectrogram_png(tone(200), RATE))).convert("L")
    rows = np.asarray(picture, dtype=float).mean(axis=1)
    assert int(np.argmax(rows)) > 50


def test_the_palette_grows_brighter_step_by_step():
    red, green, blue = np.frombuffer(_palette(), np.uint8).reshape(LEVELS, 3).astype(float).T
    assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) > 0).all()


# ------------------------------------------------------------------------------------------------
# The player
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", sorted(MP3_KBPS))
def test_what_is_played_starts_where_the_clip_does(rate):
    """Decoders add 1,105 samples where a stream does not say what is padding; ours do say."""
    rng = np.random.default_rng(0)
    waveform = 0.1 * np.repeat(rng.standard_normal(rate // 8), 8)
    played, played_hz = soundfile.read(io.BytesIO(bytes_of(clip_of(waveform, rate)["mp3"])))
    assert played_hz == rate
    assert len(played) == len(waveform)
    assert np.corrcoef(played, waveform)[0, 1] > 0.9


def test_a_rate_that_mp3_has_not_is_played_at_another():
    shown = clip_of(tone(440, rate=96_000), 96_000)
    assert soundfile.info(io.BytesIO(bytes_of(shown["mp3"]))).samplerate == 16_000
    assert shown["top_hz"] == 48_000


def test_a_long_clip_is_cut_and_says_how_long_it_was():
    shown = clip_of(tone(440, seconds=20))
    assert (shown["seconds"], shown["whole_s"]) == (MAX_SECONDS, 20)
    played, rate = soundfile.read(io.BytesIO(bytes_of(shown["mp3"])))
    assert len(played) / rate == pytest.approx(MAX_SECONDS, abs=0.1)
    assert len(shown["mp3"]) + len(shown["spectrogram"]) < 120_000


def test_a_clip_beyond_full_scale_is_turned_down_and_says_so():
    """A peak of 2 is 6 dB too much."""
    shown = clip_of(4 * tone(440))
    assert shown["quieter_db"] == 6.0
    played, _ = soundfile.read(io.BytesIO(bytes_of(shown["mp3"])))
    assert 0.9 < np.abs(played).max() <= 1.0
    assert clip_of(tone(440))["quieter_db"] == 0


def test_the_same_clip_gives_the_same_bytes():
    assert clip_of(tone(440)) == clip_of(tone(440))


def test_bytes_that_are_no_sound_are_left_out():
    assert sound(b"no sound") is None
