"""Where each frame that CLAP hears lies in its clip, for clips longer than it hears at once."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import ClapFeatureExtractor

from evalsuite_audio.models.clap_features import ClapFeatures

RATE_HZ, LONG_S = 8000, 3.0
SMALL = {
    "feature_size": 16,
    "sampling_rate": RATE_HZ,
    "hop_length": 160,
    "fft_window_size": 1024,
    "frequency_max": 4000,
    "max_length_s": 1,
}


def features(truncation, crop):
    return ClapFeatures(
        ClapFeatureExtractor(truncation=truncation, **SMALL), truncation, crop
    )  # hears 1 s at once


def clicks(at_s):
    """Faint noise, with a click at one place."""
    waveform = 1e-4 * np.random.default_rng(0).standard_normal(round(LONG_S * RATE_HZ))
    waveform[round(at_s * RATE_HZ)] = 1.0
    return waveform.astype(np.float32)


def loudest(heard, shares, piece, channel):
    """Share of the clip at which the loudest frame of a piece lies."""
    return shares[piece, channel, int(heard.features[piece, channel].sum(-1).argmax())]


@pytest.mark.parametrize("crop", ["hash", "center", "windows"])
@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_a_place_is_known_for_every_frame(truncation, crop):
    made, waveform = features(truncation, crop), clicks(1.5)
    heard, shares = made.hear(waveform), made.shares(waveform)
    assert shares.shape == tuple(heard.features.shape[:3])
    assert (np.diff(shares, axis=-1) >= 0).all()
    assert 0 <= shares.min() <= shares.max() <= 1


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_a_crop_in_the_middle_knows_that_it_is_there(truncation):
    # of 3 s the middle second; a fused model hears the middle of each third in channels 1 to 3
    made, waveform = features(truncation, "center"), clicks(1.5)
    heard, shares = made.hear(waveform), made.shares(waveform)
    channel = 2 if truncation == "fusion" else 0
    assert shares[0, channel, 0] == pytest.approx(1 / 3, abs=0.01)
    assert loudest(heard, shares, 0, channel) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("at_s", [0.2, 1.5, 2.8])
def test_the_shrunk_view_of_a_fused_model_spans_the_whole_clip(at_s):
    made, waveform = features("fusion", "hash"), clicks(at_s)
    heard, shares = made.hear(waveform), made.shares(waveform)
    assert heard.is_longer
    assert loudest(heard, shares, 0, 0) == pytest.approx(at_s / LONG_S, abs=0.03)


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
@pytest.mark.parametrize("at_s", [0.2, 2.8])
def test_windows_place_the_click_in_the_one_that_hears_it(truncation, at_s):
    made, waveform = features(truncation, "windows"), clicks(at_s)
    heard, shares = made.hear(waveform), made.shares(waveform)
    piece = 0 if at_s < 1 else len(shares) - 1
    assert loudest(heard, shares, piece, 0) == pytest.approx(at_s / LONG_S, abs=0.03)
