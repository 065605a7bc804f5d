"""Rooms, microphones, lines and codecs: exact where they promise a number, nothing out of place."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from spoilt_sounds import RATE, SAMPLES, heard, lag, ratio_db, sample, voice, waveform_of

from evalsuite import Audio, DataError, MediaError
from evalsuite_robustness.sounds.codecs import Gsm, Mp3, MuLaw, Opus, Vorbis
from evalsuite_robustness.sounds.damage import Gain, Masking, PacketLoss
from evalsuite_robustness.sounds.ffmpeg_codecs import FfmpegCodec, _told
from evalsuite_robustness.sounds.rooms import ImpulseResponses, Reverberation, decaying_noise


@pytest.mark.parametrize("rt60_s", [0.3, 1.0])
def test_echoes_decay_by_sixty_decibels_in_their_time(rt60_s):
    """Schroeder's backward integral falls by 60 dB over RT60; its slope from -5 to -35 dB says so."""
    response = decaying_noise(rt60_s, 0.0, RATE, np.random.default_rng(0))[1:]
    left = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0])
    kept = (level < -5) & (level > -35)
    slope = np.polyfit(np.arange(len(level))[kept] / RATE, level[kept], 1)[0]
    assert -60 / slope == pytest.approx(rt60_s, rel=0.05)


@pytest.mark.parametrize("ratio", [-3.0, 0.0, 12.0])
def test_the_direct_path_has_its_ratio_to_the_echoes(ratio):
    response = decaying_noise(0.5, ratio, RATE, np.random.default_rng(1))
    assert response[0] == 1
    assert -10 * np.log10((response[1:] ** 2).sum()) == pytest.approx(ratio, abs=1e-9)


def test_a_room_keeps_the_clips_power_and_rings_on_in_its_pauses():
    clip = np.zeros(RATE, np.float32)
    clip[1000] = 0.5
    after = heard(Reverberation(0.5), Audio.from_array(clip, RATE))
    assert int(np.argmax(np.abs(after))) == 1000
    assert (after**2).mean() == pytest.approx((clip**2).mean(), rel=1e-5)
    assert np.abs(after[:1000]).max() < 1e-6
    assert (after[1100:5000] ** 2).sum() > 10 * (after[5000:9000] ** 2).sum() > 0


def test_a_measured_response_is_moved_to_its_direct_path(tmp_path):
    """Peak -0.5 after 50 samples, an echo of half its height 100 later: x(t) + 0.5 x(t - 100)."""
    response = np.zeros(400, np.float32)
    response[50], response[150] = -0.5, -0.25
    (tmp_path / "room.wav").write_bytes(Audio.from_array(response, RATE).encoded())
    clip = SAMPLES[0]["audio"]
    before = waveform_of(clip)
    expected = before + 0.5 * np.concatenate([np.zeros(100), before[:-100]])
    after = heard(ImpulseResponses(str(tmp_path)), clip)
    assert after == pytest.approx(
        expected * np.sqrt((before**2).sum() / (expected**2).sum()), abs=1e-6
    )


# ------------------------------------------------------------------------------------------------
# Level, gaps, codecs
# ------------------------------------------------------------------------------------------------


def test_gain_is_exact_and_cut_at_full_scale():
    clip = Audio.from_array(np.array([0.01, -0.5], np.float32), RATE)
    assert heard(Gain(20), clip) == pytest.approx([0.1, -1.0])
    assert heard(Gain(-20), clip) == pytest.approx([0.001, -0.05])


def test_exactly_the_share_of_packets_is_lost():
    """One second of 20 ms packets: 50, of which 0.1 are 5; a whole packet of zeros each."""
    clip = Audio.from_array(np.full(RATE, 0.5, np.float32), RATE)
    packets = heard(PacketLoss(0.1), clip).reshape(50, 320)
    assert (packets == 0).all(axis=1).sum() == 5
    assert ((packets == 0).any(axis=1) == (packets == 0).all(axis=1)).all()


def test_one_stretch_of_the_share_is_masked():
    clip = Audio.from_array(np.full(1000, 0.5, np.float32), RATE)
    zeros = np.flatnonzero(heard(Masking(0.25), clip) == 0)
    assert len(zeros) == 250
    assert (np.diff(zeros) == 1).all()


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize(
    "changed", [Mp3(64), Mp3(32), Mp3(16), Opus(12), Vorbis(0.1), MuLaw(), Gsm()]
)
def test_codecs_keep_place_and_length_at_every_rate(changed, rate):
    rng = np.random.default_rng(0)
    slow = np.repeat(rng.standard_normal(rate // 16 + 1), 16)[:rate]
    before = Audio.from_array(0.1 * slow, rate)
    (after,) = changed.samples([sample(before)], 0)
    waveform, after_hz = after["audio"].load()
    assert (len(waveform), after_hz) == (rate, rate)
    assert abs(lag(waveform_of(before), waveform)) <= max(2, rate // 8000)


@pytest.mark.parametrize(
    ("mild", "strong"), [(Mp3(64), Mp3(16)), (Opus(64), Opus(6)), (Vorbis(0.9), Vorbis(0))]
)
def test_fewer_bits_spoil_more(mild, strong):
    slow = np.repeat(np.random.default_rng(0).standard_normal(RATE // 4), 4)
    clip = Audio.from_array(0.1 * slow, RATE)
    assert ratio_db(clip, heard(mild, clip)) > ratio_db(clip, heard(strong, clip)) + 3


def test_a_telephone_carries_nothing_above_four_kilohertz():
    high = Audio.from_array(0.5 * np.sin(2 * np.pi * 6000 * np.arange(RATE) / RATE), RATE)
    for changed in (MuLaw(), Gsm()):
        assert np.abs(heard(changed, high)[200:-200]).max() < 0.02


def test_mu_law_has_eight_bits():
    """G.711: about 38 dB for sines well above the smallest step."""
    tone = Audio.from_array(0.5 * np.sin(2 * np.pi * 441 * np.arange(8000) / 8000), 8000)
    assert 35 < ratio_db(tone, heard(MuLaw(), tone)) < 42


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_ffmpeg_writes_what_libsndfile_cannot():
    clip = voice(1)
    changed = FfmpegCodec("aac", 24)
    changed.check([sample(clip)])
    assert abs(lag(waveform_of(clip), heard(changed, clip))) <= 2
    assert ratio_db(clip, heard(changed, clip)) > 3


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_what_ffmpeg_refuses_is_told_in_its_words():
    if "libcodec2" not in _told("-encoders"):
        pytest.skip("this ffmpeg has no Codec 2")
    assert len(heard(FfmpegCodec("codec2", 1.3))) == RATE
    with pytest.raises(MediaError, match="ffmpeg refused: "):
        heard(FfmpegCodec("codec2", 77))


def test_a_missing_ffmpeg_names_what_works_without_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DataError, match=r"needs the program ffmpeg.*audio/mp3"):
        FfmpegCodec().check(SAMPLES)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_an_encoder_that_this_ffmpeg_lacks_is_named(monkeypatch):
    monkeypatch.setattr("evalsuite_robustness.sounds.ffmpeg_codecs._told", lambda option: ("aac",))
    with pytest.raises(
        DataError, match=r"without the encoder libopencore_amrnb. It can write: aac"
    ):
        FfmpegCodec("amr-nb", 12.2).check(SAMPLES)
