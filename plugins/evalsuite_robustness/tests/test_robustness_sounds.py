"""Every way to make clips harder: exact where it promises a number, the same whoever is beside."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from evalsuite import Audio, DataError, MediaError, Sample
from evalsuite.factories import make_variant, settings_of
from evalsuite.registry import Catalogue
from evalsuite_robustness import plugin
from evalsuite_robustness.sounds.babble import Babble
from evalsuite_robustness.sounds.codecs import Gsm, Mp3, MuLaw, Opus, Vorbis
from evalsuite_robustness.sounds.damage import Gain, Masking, PacketLoss
from evalsuite_robustness.sounds.ffmpeg_codecs import FfmpegCodec, _told
from evalsuite_robustness.sounds.files import NoiseFiles
from evalsuite_robustness.sounds.mixing import at_ratio, fitted
from evalsuite_robustness.sounds.noise import PinkNoise, WhiteNoise
from evalsuite_robustness.sounds.rooms import ImpulseResponses, Reverberation, decaying_noise
from evalsuite_robustness.sounds.tempo import Pitch, Speed, Tempo

RATE = 16_000
HARDER_ON_FILES = ("audio/noise-files", "audio/impulse-responses")
OTHER_LENGTH = ("audio/speed", "audio/tempo")
SILENCE_IS_AN_ERROR = ("audio/white-noise", "audio/pink-noise", "audio/babble", "audio/noise-files")


class Names:
    """A registry with the variants of this plugin only."""

    def __init__(self) -> None:
        self.variants = Catalogue("variant")
        plugin.evalsuite_register_variants(registry=self.variants)

    def require(self, kind, name):
        return self.variants.get(name)


NAMES = Names()
OF_SOUNDS = [e.name for e in NAMES.variants if e.name.startswith("audio/")]
CHANGES = [n for n in OF_SOUNDS if n not in ("audio/silence", "audio/permuted")]


def voice(seed: int, seconds: float = 1.0, rate: int = RATE) -> Audio:
    """Bursts of a drawn pitch with harmonics: something a codec, a room or a vocoder can spoil."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = rng.uniform(100, 250)
    tone = sum(np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, 9))
    burst = np.sin(2 * np.pi * 3 * time) > -0.5
    return Audio.from_array((0.1 * tone * burst).astype(np.float32), rate)


def sample(clip: Audio, name: str = "0") -> Sample:
    return Sample(name, {"audio": clip, "text": "words"})


SAMPLES = [sample(voice(seed), str(seed)) for seed in range(8)]


@pytest.fixture
def recordings(tmp_path):
    """A folder with two short noises, as a user would bring them."""
    rng = np.random.default_rng(0)
    for name in ("cafe", "street"):
        noise = Audio.from_array(0.1 * rng.standard_normal(3000), 8000)
        (tmp_path / f"{name}.wav").write_bytes(noise.encoded())
    (tmp_path / "notes.txt").write_text("no sound")
    return tmp_path


def variant(name: str, folder=None, **options):
    if name in HARDER_ON_FILES:
        options["path"] = str(folder)
    return make_variant({"variant": name, **options}, NAMES)


def heard(changed, clip: Audio = SAMPLES[0]["audio"], *others: Sample) -> np.ndarray:
    """The waveform after a change, in float64."""
    (after, *_) = changed.samples([sample(clip), *others], 0)
    return after["audio"].load()[0].astype(float)


def waveform_of(clip: Audio) -> np.ndarray:
    return clip.load()[0].astype(float)


def ratio_db(clip: Audio, noisy: np.ndarray) -> float:
    before = waveform_of(clip)
    return 10 * np.log10((before**2).mean() / ((noisy - before) ** 2).mean())


def lag(before: np.ndarray, after: np.ndarray) -> int:
    """By how many samples the second is later, from the peak of their cross-correlation."""
    size = 2 ** int(np.ceil(np.log2(len(before) + len(after))))
    spectrum = np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)))
    return place if place < size // 2 else place - size


# ------------------------------------------------------------------------------------------------
# What holds for all of them
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_makes_another_clip_of_the_same_length_and_place(name, recordings):
    before = SAMPLES[0]["audio"]
    spec = {"variant": name, **({"path": str(recordings)} if name in HARDER_ON_FILES else {})}
    for one in settings_of(spec, NAMES):
        if name == "audio/ffmpeg-codec":
            if shutil.which("ffmpeg") is None:
                pytest.skip("ffmpeg is not installed")
            if one["kbps"] != 32:
                continue
        (after, *_) = make_variant(one, NAMES).samples(SAMPLES, 0)
        clip = after["audio"]
        assert clip.sha256 != before.sha256
        assert after["text"] == "words"
        waveform, rate = clip.load()
        assert rate == RATE
        assert np.isfinite(waveform).all()
        if name not in OTHER_LENGTH:
            assert len(waveform) == RATE
            assert not np.array_equal(waveform, before.load()[0])
        if name not in (*OTHER_LENGTH, "audio/pitch", "audio/impulse-responses"):
            assert abs(lag(waveform_of(before), waveform)) <= 2


@pytest.mark.parametrize("name", [n for n in OF_SOUNDS if n != "audio/ffmpeg-codec"])
def test_order_changes_nothing_and_nothing_is_drawn_twice(name, recordings):
    forward = {s.id: s["audio"] for s in variant(name, recordings).samples(SAMPLES, 0)}
    backward = {s.id: s["audio"] for s in variant(name, recordings).samples(SAMPLES[::-1], 0)}
    assert {k: c.sha256 for k, c in forward.items()} == {k: c.sha256 for k, c in backward.items()}
    assert (forward["3"].load()[0] == backward["3"]._decode(RATE)).all()


@pytest.mark.parametrize("name", [n for n in CHANGES if n != "audio/ffmpeg-codec"])
def test_clips_of_one_sample_survive(name, recordings):
    tiny = Audio.from_array(np.full(1, 0.5, np.float32), RATE)
    if name == "audio/pink-noise":
        with pytest.raises(MediaError, match="the noise is silent"):
            heard(variant(name), tiny)  # one sample has no frequency but zero
        return
    if name == "audio/babble":
        assert len(heard(variant(name), tiny, *SAMPLES)) == 1
        return
    assert len(heard(variant(name, recordings), tiny)) >= 1


@pytest.mark.parametrize("name", [n for n in CHANGES if n != "audio/ffmpeg-codec"])
def test_silence_stays_silence_or_says_why_not(name, recordings):
    silent = Audio.from_array(np.zeros(RATE, np.float32), RATE)
    if name in SILENCE_IS_AN_ERROR:
        with pytest.raises(MediaError, match="the clip is silent"):
            heard(variant(name, recordings), silent, *SAMPLES)
    else:
        assert np.abs(heard(variant(name, recordings), silent)).max() < 1e-3


def test_an_unreadable_clip_stays_unreadable(recordings):
    broken = Audio(data=b"no sound")
    for name in CHANGES:
        after = variant(name, recordings).samples([sample(broken), *SAMPLES], 0)[0]
        with pytest.raises(MediaError):
            after["audio"].load()


def test_a_clip_that_is_not_there_costs_no_other_sample(tmp_path, recordings):
    missing = sample(Audio(path=tmp_path / "gone.wav"), "gone")
    for name in ("audio/babble", *HARDER_ON_FILES):
        after = variant(name, recordings).samples([missing, *SAMPLES], 0)
        assert len(after[1]["audio"].load()[0]) == RATE


# ------------------------------------------------------------------------------------------------
# Noise
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snr_db", [20.0, 5.0, 0.0, -5.0])
def test_every_noise_has_its_ratio_to_the_clip(snr_db, recordings):
    clip = SAMPLES[0]["audio"]
    for changed in (WhiteNoise(snr_db), PinkNoise(snr_db), Babble(snr_db)):
        assert ratio_db(clip, heard(changed, clip, *SAMPLES[1:])) == pytest.approx(snr_db, abs=1e-2)
    noisy = heard(NoiseFiles(str(recordings), snr_db), clip)
    assert ratio_db(clip, noisy) == pytest.approx(snr_db, abs=1e-2)


def test_pink_noise_loses_three_decibels_per_octave():
    """Power 1/f: the octave from 500 to 1000 Hz holds as much as the one from 2000 to 4000."""
    clip = voice(0, seconds=10)
    noise = heard(PinkNoise(0), clip) - waveform_of(clip)
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    low, high = (power[(hertz >= f) & (hertz < 2 * f)].sum() for f in (500, 2000))
    assert low / high == pytest.approx(1, abs=0.1)


def test_a_short_noise_is_looped_and_a_long_one_cut():
    rng = np.random.default_rng(0)
    looped = fitted([1.0, 2.0, 3.0], 7, rng)
    assert (looped[3:] == looped[:4]).all()
    assert set(looped) == {1.0, 2.0, 3.0}
    cut = fitted(np.arange(100), 10, rng)
    assert (np.diff(cut) == 1).all()


def test_a_noise_padded_with_silence_is_found():
    padded = np.concatenate([np.ones(50), np.zeros(150)])
    for seed in range(20):
        assert fitted(padded, 10, np.random.default_rng(seed)).any()


def test_silent_noise_has_no_ratio():
    with pytest.raises(MediaError, match="the noise is silent"):
        at_ratio(np.ones(4), np.zeros(4), 10)


def test_babble_is_made_of_the_others_at_equal_power():
    """Tones of one frequency each: the talkers' lines are in the babble, the clip's own is not."""

    def tone(hertz):
        return Audio.from_array(np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE) / hertz, RATE)

    samples = [sample(tone(hertz), str(hertz)) for hertz in (200, 400, 600, 800)]
    after = Babble(0.0, talkers=3).samples(samples, 0)[0]
    babble = waveform_of(after["audio"]) - waveform_of(samples[0]["audio"])
    lines = np.abs(np.fft.rfft(babble))[[200, 400, 600, 800]]
    assert lines[1:] == pytest.approx(lines[1], rel=1e-3)
    assert lines[0] < 1e-3 * lines[1]


def test_babble_never_holds_a_clip_with_equal_content_or_of_the_same_sample():
    twin = sample(SAMPLES[0]["audio"], "twin")
    pair = Sample("pair", {"audio": SAMPLES[0]["audio"], "other": SAMPLES[1]["audio"]})
    samples = [twin, pair, *SAMPLES]
    for after in Babble(0.0, talkers=3).samples(samples, 0):
        own = {s.sha256 for n, s in samples[0].fields.items() if n == "audio"}
        if after.id in ("0", "twin", "pair"):
            assert not any(digest in after["audio"].recipe for digest in own)
        if after.id == "pair":
            assert SAMPLES[1]["audio"].sha256 not in after["audio"].recipe


def test_babble_decodes_nothing_before_a_model_looks(monkeypatch):
    monkeypatch.setattr(Audio, "_decode", lambda self, rate: pytest.fail("decoded too early"))
    fresh = [Sample(s.id, {"audio": Audio(data=s["audio"].encoded())}) for s in SAMPLES]
    assert len({s["audio"].digest for s in Babble().samples(fresh, 0)}) == len(SAMPLES)


def test_babble_passes_over_silent_and_unreadable_talkers():
    mute = [sample(Audio.from_array(np.zeros(100 + n), RATE), f"mute{n}") for n in range(2)]
    broken = sample(Audio(data=b"no sound"), "broken")
    clip = SAMPLES[0]["audio"]
    noisy = heard(Babble(10, talkers=4), clip, *SAMPLES[1:5], *mute, broken)
    assert ratio_db(clip, noisy) == pytest.approx(10, abs=1e-2)


def test_babble_of_too_few_says_so():
    with pytest.raises(MediaError, match="5 talkers needs as many other clips.* 2 were found"):
        heard(Babble(), SAMPLES[0]["audio"], *SAMPLES[1:3])


def test_noise_of_a_file_is_known_by_its_content_not_its_place(recordings, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("cafe.wav", "street.wav"):
        (elsewhere / name).write_bytes((recordings / name).read_bytes())
    only = elsewhere / "cafe.wav"
    first, second = (
        NoiseFiles(str(path), 5).samples(SAMPLES, 0)[0]["audio"].sha256
        for path in (recordings / "cafe.wav", only)
    )
    assert first == second
    assert (
        NoiseFiles(str(elsewhere / "street.wav"), 5).samples(SAMPLES, 0)[0]["audio"].sha256 != first
    )


def test_a_folder_without_a_sound_says_what_it_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"no audio file at .* Give `path` a file, or a folder"):
        NoiseFiles(str(tmp_path)).check(SAMPLES)


# ------------------------------------------------------------------------------------------------
# Rooms
# ------------------------------------------------------------------------------------------------


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
# Tempo and pitch
# ------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("audio/babble", {"talkers": 0}, "talkers must be at least 1"),
        ("audio/reverberation", {"rt60_s": 0}, "rt60_s must be above 0"),
        ("audio/speed", {"factor": 0}, "factor must lie between 0.1 and 10"),
        ("audio/pitch", {"semitones": 60}, "semitones must lie between -36 and 36"),
        ("audio/packet-loss", {"share": 1.5}, "share must lie between 0 and 1"),
        ("audio/masking", {"share": 0}, "share must lie between 0 and 1"),
        ("audio/opus", {"kbps": 1}, "kbps must lie between 6 and 256"),
        ("audio/vorbis", {"quality": 2}, "quality must lie between 0 and 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(name, options, said):
    with pytest.raises(Exception, match=said):
        variant(name, **options)


# ------------------------------------------------------------------------------------------------
# In a run
# ------------------------------------------------------------------------------------------------

SUITE = """
version: 1
name: harder
models: ["control:sounds-clean", "control:sounds-brittle"]
sources:
  sounds: {type: control/sounds, limit: 40}
probes:
  - probe: audio/zero-shot
    source: sounds
    variants:
      - {variant: audio/white-noise, snr_db: [80, 20]}
      - {variant: audio/noise-files, path: noise, snr_db: 20}
      - audio/silence
"""


@pytest.fixture(scope="module")
def harder(tmp_path_factory):
    from evalsuite.cli import run
    from evalsuite.store import Run

    folder = tmp_path_factory.mktemp("harder")
    (folder / "noise").mkdir()
    noise = Audio.from_array(np.random.default_rng(0).standard_normal(RATE), RATE)
    (folder / "noise" / "white.wav").write_bytes(noise.encoded())
    (folder / "suite.yaml").write_text(SUITE)
    assert run(["run", str(folder / "suite.yaml"), "-q", "-o", str(folder / "run")]) == 0
    return Run.open(folder / "run")


def lost(run, told: str, model: str):
    label = f"audio/zero-shot under {told}"
    (result,) = [r for r in run.results if r.label == label and r.model == f"control:{model}"]
    return next(e for e in result.estimates if e.metric == "accuracy lost")


@pytest.mark.parametrize("told", ["audio/white-noise 20", "audio/noise-files 20 path=noise"])
def test_noise_costs_the_brittle_twin_much_and_the_clean_one_little(harder, told):
    planted, clean = (lost(harder, told, f"sounds-{name}") for name in ("brittle", "clean"))
    assert planted.verdict == "differs from null"
    assert clean.verdict == "compatible with null"
    assert planted.value > clean.value + 0.2


def test_noise_that_nobody_hears_costs_neither_twin_anything(harder):
    for name in ("brittle", "clean"):
        found = lost(harder, "audio/white-noise 80", f"sounds-{name}")
        assert found.verdict == "compatible with null", name


def test_silence_leaves_no_more_than_chance(harder):
    label = "audio/zero-shot under audio/silence"
    for result in (r for r in harder.results if r.label == label):
        accuracy = next(e for e in result.estimates if e.metric == "accuracy" and not e.slice)
        assert accuracy.verdict == "compatible with null"


def test_the_dial_stands_first_in_the_plan_and_paths_are_found(harder):
    (job,) = {r.label: r for r in harder.results if "noise-files" in r.label}.values()
    assert list(job.variant) == ["variant", "snr_db", "path"]
    assert job.variant["path"].endswith("noise")
