"""Noise at a ratio, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import (
    Audio,
    Embedding,
    EmbedText,
    LoadSettings,
    RequestFailed,
    Sample,
    Similarity,
    SimilarityScale,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Sounds
from evalsuite_robustness.audio_noise import AudioNoise, in_noise


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 20.0, 60.0])
def test_the_ratio_is_exact(snr_db):
    waveform = (0.1 * np.sin(np.arange(8000))).astype(np.float32)
    noisy, _ = in_noise(Audio.from_array(waveform, 8000), snr_db).load()
    noise = noisy.astype(float) - waveform
    ratio = 10 * np.log10(np.mean(waveform.astype(float) ** 2) / np.mean(noise**2))
    assert ratio == pytest.approx(snr_db, abs=1e-3)


def test_loud_clips_are_not_clipped():
    waveform = np.sin(np.arange(8000)).astype(np.float32)
    noisy, _ = in_noise(Audio.from_array(waveform, 8000), 0.0).load()
    assert np.abs(noisy).max() > 1


def test_the_noise_is_white():
    # white noise has as much power in the lower half of its band as in the upper
    waveform = np.full(1 << 15, 0.1, np.float32)
    noisy, _ = in_noise(Audio.from_array(waveform, 8000), 0.0).load()
    power = np.abs(np.fft.rfft(noisy.astype(float) - waveform)) ** 2
    lower, upper = np.array_split(power, 2)
    assert lower.sum() / upper.sum() == pytest.approx(1, abs=0.05)


def test_the_same_clip_gets_the_same_noise():
    audio = Audio.from_array(np.ones(100, np.float32) * 0.1, 8000)
    assert in_noise(audio, 20.0) == in_noise(audio, 20.0)
    assert in_noise(audio, 20) == in_noise(audio, 20.0)


def test_another_seed_or_ratio_or_clip_gets_other_noise():
    one, other = (Audio.from_array(np.full(100, x, np.float32), 8000) for x in (0.1, 0.2))

    def noise(audio, *settings):
        waveform = in_noise(audio, *settings).load()[0] - audio.load()[0]
        return waveform / np.linalg.norm(waveform)

    first = noise(one, 20.0)
    for another in (noise(one, 20.0, 1), noise(one, 10.0), noise(other, 20.0)):
        assert abs(float(first @ another)) < 0.5


def test_silence_has_no_ratio():
    with pytest.raises(RequestFailed, match="silent clip"):
        in_noise(Audio.from_array(np.zeros(100, np.float32), 8000), 20.0)


# ------------------------------------------------------------------------------------------------
# What it costs
# ------------------------------------------------------------------------------------------------

UP, DOWN = np.eye(2, dtype=np.float32)


def tone(number, label):
    waveform = (0.1 * np.sin((number + 1) * np.arange(400))).astype(np.float32)
    return Sample(str(number), {"audio": Audio.from_array(waveform, 8000), "label": label})


SAMPLES = [tone(number, "up" if number < 20 else "down") for number in range(40)]
RISING = {sample["audio"] for sample in SAMPLES[:20]}


def brittle(request):
    """Names the class in quiet; in noise it hears "down" in everything."""
    if isinstance(request, SimilarityScale):
        return Similarity(10.0)
    if isinstance(request, EmbedText):
        return Embedding(UP if "up" in request.text else DOWN)
    return Embedding(UP if request.audio in RISING else DOWN)


def test_the_drop_is_the_mean_paired_difference():
    # in noise the 20 rising tones are lost and the 20 falling ones kept: 1 - 1/2
    played = play(AudioNoise(), SAMPLES, brittle)
    drop = played.estimate("accuracy lost to noise")
    assert (drop.value, drop.verdict) == (0.5, "differs from null")
    assert (drop.null.value, drop.null.margin, drop.null.side) == (0.0, 0.02, "above")
    assert played.estimate("accuracy in quiet").value == 1.0
    assert played.estimate("accuracy in noise").value == 0.5


def test_a_deaf_model_loses_nothing_and_scores_chance():
    level = Embedding(((UP + DOWN) / np.sqrt(2)).astype(np.float32))

    def deaf(request):
        return brittle(request) if isinstance(request, EmbedText | SimilarityScale) else level

    played = play(AudioNoise(), SAMPLES, deaf)
    assert played.estimate("accuracy lost to noise").value == 0
    assert played.estimate("accuracy in quiet").value == 0.5
    assert played.estimate("accuracy in quiet").verdict == "compatible with null"


def test_a_silent_clip_is_a_failed_record():
    nothing = Audio.from_array(np.zeros(9, np.float32), 8000)
    silent = Sample("silence", {"audio": nothing, "label": "up"})
    played = play(AudioNoise(), [*SAMPLES, silent], brittle)
    assert played.failures == ("silent clip: no signal-to-noise ratio can be set",)
    assert played.estimate("accuracy lost to noise").n_failed == 1


def test_the_contract_is_kept():
    check_probe(AudioNoise(snr_db=5.0, seed=3), SAMPLES, brittle)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("sounds-brittle", "differs from null"), ("sounds-clean", "compatible with null")],
)
def test_the_brittle_twin_is_told_from_the_clean_one(name, verdict):
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    samples = list(Sounds(limit=80).rows())
    played = play(AudioNoise(), samples, lambda request: answer_batch(model, [request])[0])
    assert played.estimate("accuracy lost to noise").verdict == verdict
