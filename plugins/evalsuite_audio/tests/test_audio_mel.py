"""Our log-mel features beside those of transformers' extractors, on sounds that are hard to equal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchaudio
from transformers import ClapFeatureExtractor, WhisperFeatureExtractor

from evalsuite import Audio, ModelError, UsageError
from evalsuite_audio.models import mel as mel_module
from evalsuite_audio.models.clap_features import ClapFeatures, crop_of
from evalsuite_audio.models.mel import MelSpectrogram, decibels, whisper_log_mel, whisper_mel
from evalsuite_audio.models.windows import even_starts

RATE_HZ = 8000
SMALL = {
    "sampling_rate": RATE_HZ,
    "hop_length": 160,
    "fft_window_size": 1024,
    "frequency_max": 4000,
    "max_length_s": 1,
}


def sound(kind, seconds, rate_hz=RATE_HZ):
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = np.random.default_rng(len(times)).standard_normal(len(times))
    made = {
        "noise": 0.1 * noise,
        "tone": np.sin(2 * np.pi * 440 * times),
        "silence": 0 * times,
        "breaking off": 0.5 * np.sin(2 * np.pi * 1000 * times) * (times < seconds / 2),
        "faint": 1e-5 * noise,
        "one click": (np.arange(len(times)) == len(times) // 3).astype(float),
    }
    return made[kind].astype(np.float32)


KINDS = ("noise", "tone", "silence", "breaking off", "faint", "one click")


def theirs(extractor, waveform):
    found = extractor(waveform, sampling_rate=extractor.sampling_rate, return_tensors="pt")
    return found["input_features"]


@pytest.mark.parametrize("padding", ["repeatpad", "repeat", "pad"])
@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_short_and_exact_clips_sound_to_clap_as_the_library_has_it(truncation, padding):
    extractor = ClapFeatureExtractor(truncation=truncation, padding=padding, **SMALL)
    ours = ClapFeatures(extractor, truncation, "hash")
    for kind in KINDS:
        for seconds in (1 / RATE_HZ, 0.05, 0.3, 0.5, 0.999, 1.0):
            heard = ours.hear(sound(kind, seconds))
            assert not heard.is_longer
            expected = theirs(extractor, sound(kind, seconds))
            assert heard.features.dtype == expected.dtype == torch.float32
            torch.testing.assert_close(heard.features, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_the_published_setting_is_equalled(truncation):
    extractor = ClapFeatureExtractor(truncation=truncation)  # 10 s at 48 kHz
    ours = ClapFeatures(extractor, truncation, "hash")
    for kind, seconds in (("tone", 10), ("breaking off", 3)):
        waveform = sound(kind, seconds, 48_000)
        found = ours.hear(waveform).features
        torch.testing.assert_close(found, theirs(extractor, waveform), atol=1e-3, rtol=0)


def test_real_sounds_are_equalled(data):
    extractor = ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    ours = ClapFeatures(extractor, "rand_trunc", "hash")
    for path in sorted((data / "esc10_fold1").rglob("*.ogg"))[::16]:
        waveform, _ = Audio(path=path).load(48_000)
        found = ours.hear(waveform).features
        torch.testing.assert_close(found, theirs(extractor, waveform), atol=1e-3, rtol=0)


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
@pytest.mark.parametrize("seconds", [1.01, 1.02, 1.04, 1.06, 1.3, 2.0, 5.0])
def test_crops_at_the_same_places_are_the_librarys(truncation, seconds, monkeypatch):
    extractor = ClapFeatureExtractor(truncation=truncation, **SMALL)
    ours = ClapFeatures(extractor, truncation, "hash")
    counts, drawn = [], []

    def last(low, high=None):
        """In place of numpy's choice and randint."""
        places = range(low, high) if high is not None else low
        drawn.append(len(places))
        return places[-1]

    monkeypatch.setattr(np.random, "choice", last)
    monkeypatch.setattr(np.random, "randint", last)
    monkeypatch.setattr(ours, "_places", lambda _, n: counts.extend(n) or [one - 1 for one in n])
    waveform = sound("breaking off", seconds) + sound("noise", seconds)
    heard = ours.hear(waveform)
    expected = theirs(extractor, waveform)
    torch.testing.assert_close(heard.features, expected, atol=1e-3, rtol=0)
    # Longer by less than a hop is not long to a fused model; the library then draws which clip of
    # the batch to call long.
    is_long = len(waveform) // 160 > RATE_HZ // 160
    assert heard.is_longer is (truncation == "fusion" and is_long)
    assert counts == (drawn if is_long or truncation == "rand_trunc" else [])


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_the_place_of_a_crop_comes_from_the_clip_alone(truncation):
    extractor = ClapFeatureExtractor(truncation=truncation, **SMALL)
    ours = ClapFeatures(extractor, truncation, "hash")
    long, other = sound("noise", 4), sound("noise", 5)
    first = ours.hear(long).features
    for seed in range(3):
        np.random.seed(seed)  # noqa: NPY002  (the library draws from here)
        ours.hear(other)
        assert torch.equal(ours.hear(long.copy()).features, first)


def test_places_are_spread_over_long_clips():
    # 200 clips of noise, each with its own place among 8001: the mean of uniform draws is 4000,
    # its deviation 8001 / sqrt(12 * 200) = 163
    extractor = ClapFeatureExtractor(truncation="rand_trunc", **SMALL)
    ours = ClapFeatures(extractor, "rand_trunc", "hash")
    draws = np.random.default_rng(0)
    places = [ours._places(draws.random(8, dtype=np.float32), [8001])[0] for _ in range(200)]
    assert np.mean(places) == pytest.approx(4000, abs=4 * 163)
    assert len(set(places)) > 190


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_windows_cover_a_long_clip(truncation):
    extractor = ClapFeatureExtractor(truncation=truncation, **SMALL)
    ours = ClapFeatures(extractor, truncation, "windows")
    long = sound("noise", 2.5)
    heard = ours.hear(long)
    # 20,000 samples in windows of 8,000: three, which begin at 0, 6,000 and 12,000
    expected = [theirs(extractor, long[start : start + 8000]) for start in (0, 6000, 12_000)]
    torch.testing.assert_close(heard.features, torch.cat(expected), atol=1e-3, rtol=0)
    assert not heard.is_longer
    assert ours.n_pieces(len(long)) == 3


def test_the_middle_is_heard_when_asked_for():
    extractor = ClapFeatureExtractor(truncation="rand_trunc", **SMALL)
    long = sound("noise", 3)
    heard = ClapFeatures(extractor, "rand_trunc", "center").hear(long)
    middle = theirs(extractor, long[8000:16_000])
    torch.testing.assert_close(heard.features, middle, atol=1e-3, rtol=0)


def test_windows_are_as_few_as_cover():
    assert even_starts(5, 8) == [0]
    assert even_starts(8, 8) == [0]
    assert even_starts(9, 8) == [0, 1]
    assert even_starts(20, 8) == [0, 6, 12]


def test_an_unknown_crop_is_refused():
    with pytest.raises(UsageError, match="crop must be hash, center or windows .got 'random'"):
        crop_of("random")


def test_single_precision_would_not_be_enough():
    """Why spectra are in float64: a pure tone's rounding covers the quiet bands around it."""
    extractor = ClapFeatureExtractor(truncation="rand_trunc")
    filters = torch.from_numpy(extractor.mel_filters_slaney).float()
    waveform = sound("tone", 10, 48_000)
    single = decibels(MelSpectrogram(1024, 480, filters).power(torch.from_numpy(waveform)))
    assert (single - theirs(extractor, waveform)[0, 0]).abs().max() > 1e-2


def test_filters_are_those_of_torchaudio():
    extractor = ClapFeatureExtractor()
    for filters, scale, norm in (
        (extractor.mel_filters, "htk", None),
        (extractor.mel_filters_slaney, "slaney", "slaney"),
    ):
        independent = torchaudio.functional.melscale_fbanks(
            513, 0.0, 14_000.0, 64, 48_000, norm, scale
        )
        torch.testing.assert_close(
            torch.from_numpy(filters).float(), independent, atol=1e-4, rtol=0
        )


@pytest.mark.parametrize("block", [1, 3, 50])
def test_blocks_join_without_a_seam(block, monkeypatch):
    extractor = ClapFeatureExtractor(**SMALL)
    mel = MelSpectrogram(1024, 160, torch.from_numpy(extractor.mel_filters))
    waveform = torch.from_numpy(sound("noise", 2.345))
    whole = mel.power(waveform)
    monkeypatch.setattr(mel_module, "_BLOCK", block)
    assert whole.shape == (1 + 18_760 // 160, 64)
    torch.testing.assert_close(mel.power(waveform), whole, atol=0, rtol=1e-12)


def test_an_extractor_of_another_make_is_refused():
    extractor = ClapFeatureExtractor(truncation="rand_trunc", **SMALL)
    extractor._np_extract_fbank_features = lambda waveform, filters: np.zeros((51, 64), np.float32)
    with pytest.raises(ModelError, match="ClapFeatureExtractor makes differ .* by .* dB"):
        ClapFeatures(extractor, "rand_trunc", "hash")


@pytest.mark.parametrize("bands", [80, 128])
def test_whisper_hears_what_its_extractor_gives(bands):
    extractor = WhisperFeatureExtractor(feature_size=bands)
    mel = whisper_mel(extractor)
    for kind in KINDS:
        for seconds in (0.001, 1, 29.99, 30):
            waveform = sound(kind, seconds, 16_000)
            found = whisper_log_mel(mel, torch.from_numpy(waveform), extractor.n_samples)
            expected = theirs(extractor, waveform)[0]
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_whisper_hears_a_clip_of_its_own_length():
    extractor = WhisperFeatureExtractor(feature_size=80)
    waveform = sound("noise", 41.237, 16_000)
    expected = extractor(
        waveform, sampling_rate=16_000, padding="longest", truncation=False, return_tensors="pt"
    )["input_features"][0]
    found = whisper_log_mel(whisper_mel(extractor), torch.from_numpy(waveform))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.gpu
@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_a_gpu_hears_the_same(truncation):
    extractor = ClapFeatureExtractor(truncation=truncation, **SMALL)
    here, there = (
        ClapFeatures(extractor, truncation, "hash", device) for device in ("cpu", "cuda")
    )
    for kind in KINDS:
        waveform = sound(kind, 3)
        expected, found = here.hear(waveform).features, there.hear(waveform).features
        torch.testing.assert_close(found.cpu(), expected, atol=1e-3, rtol=0)
        assert torch.equal(there.hear(waveform).features, found)
