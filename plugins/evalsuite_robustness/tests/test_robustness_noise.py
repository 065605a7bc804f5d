"""Noise of every kind: its exact ratio to the clip, its spectrum, and whose voices it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from spoilt_sounds import RATE, SAMPLES, heard, ratio_db, sample, voice, waveform_of

from evalsuite import Audio, DataError, MediaError, Sample
from evalsuite_robustness.sounds.babble import Babble
from evalsuite_robustness.sounds.files import NoiseFiles
from evalsuite_robustness.sounds.mixing import at_ratio, fitted
from evalsuite_robustness.sounds.noise import PinkNoise, WhiteNoise


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
