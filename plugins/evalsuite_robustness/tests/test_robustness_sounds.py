"""Every way to make clips harder: the same whoever is beside, and what it costs in a run."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from spoilt_sounds import ON_FILES, RATE, SAMPLES, heard, lag, sample, variant, waveform_of

from evalsuite import Audio, MediaError
from evalsuite.factories import make_variant, settings_of
from evalsuite.registry import installed

OTHER_LENGTH = ("audio/speed", "audio/tempo")
SILENCE_IS_AN_ERROR = ("audio/white-noise", "audio/pink-noise", "audio/babble", "audio/noise-files")
OF_SOUNDS = [e.name for e in installed().variants if e.name.startswith("audio/")]
CHANGES = [n for n in OF_SOUNDS if n not in ("audio/silence", "audio/permuted")]


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_makes_another_clip_of_the_same_length_and_place(name, recordings):
    before = SAMPLES[0]["audio"]
    spec = {"variant": name, **({"path": str(recordings)} if name in ON_FILES else {})}
    for one in settings_of(spec, installed()):
        if name == "audio/ffmpeg-codec":
            if shutil.which("ffmpeg") is None:
                pytest.skip("ffmpeg is not installed")
            if one["kbps"] != 32:
                continue
        (after, *_) = make_variant(one, installed()).samples(SAMPLES, 0)
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
    for name in ("audio/babble", *ON_FILES):
        after = variant(name, recordings).samples([missing, *SAMPLES], 0)
        assert len(after[1]["audio"].load()[0]) == RATE


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
