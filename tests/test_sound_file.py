"""Sound files of every make: read right, or refused with a reason, and never half."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from evalsuite import Audio, EmbedAudio, Failure, MediaError, ModelInfo, Transcribe, Transcript
from evalsuite.decoded import DecodedCache
from evalsuite.derived import DerivedAudio, Excerpt
from evalsuite.executor import BudgetMemory, LocalExecutor

RATE = 16_000
RNG = np.random.default_rng(0)


def chord(seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    noise = 0.05 * np.random.default_rng(1).standard_normal(len(time))
    return (0.3 * np.sin(2 * np.pi * 440 * time) + noise).astype(np.float32)


def encoded(samples, rate: int = RATE, **options) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, **{"format": "WAV", **options})
    return buffer.getvalue()


# ------------------------------------------------------------------------------------------------
# Read right
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subtype", "step"),
    [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("PCM_32", 2**-24), ("DOUBLE", 0)],
)
def test_samples_of_any_width_are_scaled_to_one(subtype, step):
    values = np.array([-1.0, -0.5, 0.0, 0.25, 0.75])
    found, _ = Audio(data=encoded(values, subtype=subtype)).load()
    assert found.dtype == np.float32
    assert np.abs(found - values).max() <= step


def test_sixteen_bits_are_divided_by_two_to_the_fifteen():
    levels = np.array([-32768, -1, 0, 1, 32767], np.int16)
    np.testing.assert_array_equal(
        Audio(data=encoded(levels)).load()[0], levels.astype(np.float32) / 32768
    )


def test_eight_channels_become_their_mean():
    channels = RNG.uniform(-0.5, 0.5, (1000, 8)).astype(np.float32)
    audio = Audio(data=encoded(channels, subtype="FLOAT"))
    assert (audio.header.n_channels, audio.n_samples()) == (8, 1000)
    np.testing.assert_allclose(audio.load()[0], channels.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"format": "FLAC"}, 1e-4),
        ({"format": "AIFF"}, 1e-4),
        ({"format": "OGG", "subtype": "VORBIS"}, 0.2),
        ({"format": "OGG", "subtype": "OPUS"}, 0.2),
        ({"format": "MP3"}, 0.3),
    ],
)
def test_every_format_gives_the_samples_in_place(options, tolerance):
    found, _ = Audio(data=encoded(chord(), **options)).load()
    assert len(found) == 2 * RATE
    assert np.abs(found - chord()).max() < tolerance


def test_blocks_are_the_whole(monkeypatch):
    channels = RNG.uniform(-0.5, 0.5, (5000, 3)).astype(np.float32)
    data = encoded(channels, 44_100, subtype="FLOAT")
    whole = Audio(data=data)._decode(RATE)
    monkeypatch.setattr("evalsuite.sound_file.BLOCK_VALUES", 1000)
    np.testing.assert_allclose(Audio(data=data)._decode(RATE), whole, atol=1e-6)


def test_ninety_six_kilohertz_are_brought_down():
    high, low = chord(0.5, 96_000), Audio.from_array(chord(0.5, 96_000), 96_000)
    assert low.n_samples(RATE) == len(low.load(RATE)[0]) == 8000
    assert low.load()[1] == 96_000
    np.testing.assert_array_equal(low.load()[0], high)


@pytest.mark.parametrize(
    ("name", "options"),
    [("flac.wav", {"format": "FLAC"}), ("mp3.ogg", {"format": "MP3"}), ("wav.txt", {})],
)
def test_the_bytes_count_and_not_the_name(tmp_path, name, options):
    (tmp_path / name).write_bytes(encoded(chord(), **options))
    assert Audio(path=tmp_path / name).n_samples() == 2 * RATE


# ------------------------------------------------------------------------------------------------
# Refused
# ------------------------------------------------------------------------------------------------

CUT = [
    ({"format": "WAV"}, "promises 64000 bytes of sound, it holds 28"),
    ({"format": "W64"}, "promises"),
    ({"format": "RF64"}, "promises"),
    ({"format": "AIFF"}, "promises 64008 bytes"),
    ({"format": "AU"}, "promises 64000 bytes"),
    ({"format": "FLAC"}, "breaks off after 0.0 seconds or soon after"),
    ({"format": "OGG", "subtype": "VORBIS"}, r"last page lacks \d+ bytes"),
    ({"format": "OGG", "subtype": "OPUS"}, "malformed"),
    ({"format": "MP3"}, r"promises 2.00 seconds, it holds 0.\d\d"),
]


@pytest.mark.parametrize(("options", "message"), CUT)
def test_a_cut_file_says_how_much_is_missing(options, message):
    whole = encoded(chord(), **options)
    with pytest.raises(MediaError, match=message):
        Audio(data=whole[: int(0.45 * len(whole))]).load()


@pytest.mark.parametrize("options", [options for options, _ in CUT])
def test_no_cut_is_taken_for_a_whole(options):
    whole = encoded(chord(), **options)
    for share in (0.001, 0.3, 0.7, 0.97):
        with pytest.raises(MediaError):
            Audio(data=whole[: int(share * len(whole))]).load()


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFD3])
def test_a_recording_written_into_a_pipe_is_whole(size):
    # The length was not known when the header was written.
    data = bytearray(encoded(chord()))
    where = data.find(b"data") + 4
    data[where : where + 4] = struct.pack("<I", size)
    assert len(Audio(data=bytes(data)).load()[0]) == 2 * RATE


def test_flac_of_unknown_length_is_read_to_its_end():
    data = bytearray(encoded(chord(), format="FLAC"))
    data[21] &= 0xF0  # STREAMINFO's 36 bits of the number of samples
    data[22:26] = bytes(4)
    audio = Audio(data=bytes(data))
    assert audio.header.n_frames is None
    assert audio.n_samples(8000) == RATE


def without_first_frame(mp3: bytes, n_bytes: int) -> bytes:
    """Without the frame that says how many there are."""
    assert b"Xing" in mp3[:n_bytes] or b"Info" in mp3[:n_bytes]
    assert mp3[n_bytes] == 0xFF
    return mp3[n_bytes:]


def test_mp3_of_varying_rate_that_does_not_say_its_length_is_refused():
    # libsndfile guesses the length by the first frame, and would read a part of it only
    loud = np.concatenate((np.zeros(4 * 44_100), RNG.uniform(-0.9, 0.9, 8 * 44_100)))
    mp3 = encoded(
        loud[::-1].copy(), 44_100, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    )
    bare = without_first_frame(mp3, mp3.find(b"\xff\xfb", 10))
    with soundfile.SoundFile(io.BytesIO(bare)) as sound:
        assert sound.frames < 11 * 44_100
    with pytest.raises(MediaError, match=r"only \d+.\d of its 12.\d seconds would be read"):
        Audio(data=bare).load()


def test_mp3_of_constant_rate_needs_no_length():
    mp3 = encoded(
        chord(2, 44_100), 44_100, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5
    )
    bare = without_first_frame(mp3, mp3.find(b"\xff\xfb", 10))
    assert len(Audio(data=bare + b"TAG" + bytes(125)).load()[0]) == pytest.approx(88_200, abs=4608)


@pytest.mark.parametrize("data", [b"", b"a text\n" * 99, bytes(9999), RNG.bytes(9999)])
def test_other_bytes_are_no_audio(data, tmp_path):
    (tmp_path / "clip.wav").write_bytes(data)
    with pytest.raises(MediaError, match=r"clip.wav is not readable audio: Format not recognised"):
        Audio(path=tmp_path / "clip.wav").load()


def test_raw_samples_do_not_say_their_rate(tmp_path):
    (tmp_path / "clip.raw").write_bytes(RNG.bytes(999))
    with pytest.raises(MediaError, match="do not say their rate; store it as WAV"):
        Audio(path=tmp_path / "clip.raw").load()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_sample_of_one_channel_that_is_no_number_is_enough(value):
    channels = np.zeros((100, 2), np.float32)
    channels[77, 1] = value
    with pytest.raises(MediaError, match="not finite"):
        Audio(data=encoded(channels, subtype="FLOAT")).load()


def test_channels_that_cancel_each_other_are_noticed():
    one = chord()
    with pytest.raises(MediaError, match="2 channels are of opposite phase"):
        Audio(data=encoded(np.stack((one, -one), axis=1), subtype="FLOAT")).load()
    for other in (0.9 * one, np.zeros_like(one), np.roll(one, 18)):
        Audio(data=encoded(np.stack((one, other), axis=1), subtype="FLOAT")).load()


def test_silence_of_all_channels_is_silence():
    assert not Audio(data=encoded(np.zeros((100, 2)))).load()[0].any()


def test_claims_beyond_measure_are_refused():
    data = bytearray(encoded(chord(), format="FLAC"))
    data[21] |= 0x0F  # STREAMINFO's number of samples: 2^36 - 1
    data[22:26] = b"\xff\xff\xff\xff"
    with pytest.raises(MediaError, match="longer than 6 hours"):
        Audio(data=bytes(data)).load()
    wav = bytearray(encoded(chord()))
    wav[24:28] = struct.pack("<I", 2_000_000_000)
    with pytest.raises(MediaError, match="claims a sample rate of 2000000000 Hz"):
        Audio(data=bytes(wav)).load()


# ------------------------------------------------------------------------------------------------
# Long ones
# ------------------------------------------------------------------------------------------------


def silence(path, hours: float, rate: int, channels: int = 1) -> None:
    minute = np.zeros((60 * rate, channels), np.int16)
    with soundfile.SoundFile(path, "w", rate, channels, format="FLAC") as sound:
        for _ in range(round(60 * hours)):
            sound.write(minute)


def test_three_hours_are_read(tmp_path):
    silence(tmp_path / "long.flac", 3, 2000)
    audio = Audio(path=tmp_path / "long.flac")
    assert audio.n_samples(4000) == 3 * 3600 * 4000
    assert len(audio.load()[0]) == 3 * 3600 * 2000


MEASURE = """
import resource, sys, torch, torchaudio
from pathlib import Path
from evalsuite import Audio
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
waveform, _ = Audio(path=Path(sys.argv[1])).load(16000)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(waveform), (after - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "channels", "limit_mib"), [(1, 1, 400), (0.25, 8, 250)])
def test_long_clips_take_little_more_than_their_result(tmp_path, hours, channels, limit_mib):
    # as float32 an hour of 16 kHz is 220 MiB, of 48 kHz 659; a quarter of 8 channels 1318
    silence(tmp_path / "long.flac", hours, 48_000, channels)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "long.flac")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(told[0]) == hours * 3600 * RATE
    assert int(told[1]) < limit_mib


# ------------------------------------------------------------------------------------------------
# Decoded once
# ------------------------------------------------------------------------------------------------


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The clips that were decoded, in order, with a cache of their own."""
    found: list[str] = []
    whole = Audio._decode

    def counted(self, sample_rate_hz):
        found.append(self.digest)
        return whole(self, sample_rate_hz)

    monkeypatch.setattr(Audio, "_decode", counted)
    monkeypatch.setattr("evalsuite.content.DECODED", DecodedCache(2**20))
    return found


class Listener:
    """Costs a unit for every sample it hears, as models do."""

    info = ModelInfo(
        "listener", "listener", frozenset({"audio"}), frozenset({"transcribe"}), sample_rate_hz=8000
    )
    fingerprint = "listener"

    def cost(self, request):
        return request.audio.n_samples(8000)

    def transcribe(self, requests):
        return [Transcript(str(len(r.audio.load(8000)[0]))) for r in requests]

    embed_audio = transcribe

    def close(self):
        return None


def clips(n: int) -> list[Audio]:
    waveforms = (np.full(RATE, 0.001 * (i + 1), np.float32) for i in range(n))
    return [Audio.from_array(waveform, RATE) for waveform in waveforms]


def answers(requests, tmp_path):
    found = {}
    executor = LocalExecutor(memory=BudgetMemory(tmp_path / "budgets.json"), max_requests=4)
    executor.answer(Listener(), requests, found.update)
    return found


def test_a_second_question_about_the_same_clips_decodes_nothing(decoded, tmp_path):
    several = clips(8)
    answers([Transcribe(clip) for clip in several], tmp_path)
    assert len(decoded) == 8
    again = [Audio(data=clip.encoded()) for clip in several]
    answers([EmbedAudio(clip) for clip in again], tmp_path)
    assert len(decoded) == 8


def test_more_clips_than_fit_at_once_are_decoded_once(decoded, tmp_path):
    several = clips(100)  # 3.2 MB at 8 kHz, with room for 1 MiB
    found = answers([Transcribe(clip) for clip in several], tmp_path)
    assert len(decoded) == len(set(decoded)) == 100
    assert {answer.text for answer in found.values()} == {"8000"}


def test_a_clip_at_its_own_rate_is_one_clip(decoded):
    (clip,) = clips(1)
    assert clip.load()[0] is clip.load(RATE)[0]
    assert len(decoded) == 1


def test_unreadable_clips_cost_themselves_only(tmp_path):
    whole = encoded(chord())
    bad = [
        Transcribe(Audio(data=data))
        for data in (b"none", whole[:3000], encoded(np.zeros(0)), encoded(np.array([np.nan]), subtype="FLOAT"))
    ]  # fmt: skip
    good = [Transcribe(clip) for clip in clips(3)]
    found = answers([*bad, *good], tmp_path)
    assert all(found[request.digest].kind == "unreadable media" for request in bad)
    assert not any(isinstance(found[request.digest], Failure) for request in good)


def test_the_time_to_decode_is_not_the_models(tmp_path, monkeypatch):
    import time

    whole = Audio._decode
    monkeypatch.setattr(
        Audio, "_decode", lambda self, rate: time.sleep(0.2) or whole(self, rate)
    )  # fmt: skip
    request = Transcribe(clips(1)[0])
    monkeypatch.setattr("evalsuite.content.DECODED", DecodedCache(2**20))
    assert answers([request], tmp_path)[request.digest].seconds < 0.1


# ------------------------------------------------------------------------------------------------
# Parts of a clip
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"format": "WAV"}, {"format": "FLAC"}, {"format": "MP3"}]
    + [{"format": "OGG", "subtype": subtype} for subtype in ("VORBIS", "OPUS")],
)
def test_an_excerpt_is_that_part_of_the_clip(options):
    whole = Audio(data=encoded(chord(), **options))
    part = Excerpt(original=whole, start_s=0.5, duration_s=0.25)
    assert (part.n_samples(), part.n_samples(8000)) == (4000, 2000)
    np.testing.assert_allclose(part.load()[0], whole.load()[0][8000:12_000], atol=1e-6)


def test_an_excerpt_has_an_identity_of_its_own():
    whole = Audio.from_array(chord(), RATE)
    one, other = (Excerpt(original=whole, start_s=s, duration_s=0.5) for s in (0.0, 0.5))
    assert one == Excerpt(original=Audio(data=whole.encoded()), start_s=0.0, duration_s=0.5)
    assert len({one.digest, other.digest, whole.digest}) == 3
    np.testing.assert_array_equal(Audio(data=one.encoded()).load()[0], one.load()[0])


def test_an_excerpt_beyond_the_end_is_unreadable():
    part = Excerpt(original=Audio.from_array(chord(), RATE), start_s=1.5, duration_s=0.6)
    with pytest.raises(MediaError, match=r"ends after 2.000 seconds, before the 2.100"):
        part.load()


def test_a_change_is_made_at_the_clips_own_rate_and_once(decoded):
    calls = []
    quieter = DerivedAudio(
        original=Audio.from_array(chord(), RATE),
        recipe="half as loud",
        change=lambda waveform, rate, rng: calls.append(rate) or 0.5 * waveform,
    )
    assert len(quieter.load(8000)[0]) == quieter.n_samples(8000) == RATE
    np.testing.assert_allclose(quieter.load()[0], 0.5 * chord())
    assert calls == [RATE]
