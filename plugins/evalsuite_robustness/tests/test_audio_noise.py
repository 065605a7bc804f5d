"""Noise at a ratio, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import Audio, LoadSettings, RequestFailed
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_controls.sources import Sounds
from evalsuite_robustness.audio_noise import AudioNoise, in_noise


def test_the_ratio_is_exact():
    waveform = (0.1 * np.sin(np.arange(8000))).astype(np.float32)
    noisy, _ = in_noise(Audio.from_array(waveform, 8000), 10.0).load()
    noise = noisy - waveform
    ratio = 10 * np.log10(np.mean(waveform**2) / np.mean(noise**2))
    assert ratio == pytest.approx(10.0, abs=1e-3)


def test_the_same_clip_gets_the_same_noise():
    audio = Audio.from_array(np.ones(100, np.float32) * 0.1, 8000)
    assert in_noise(audio, 20.0) == in_noise(audio, 20.0)


def test_silence_has_no_ratio():
    with pytest.raises(RequestFailed, match="silent clip"):
        in_noise(Audio.from_array(np.zeros(100, np.float32), 8000), 20.0)


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
