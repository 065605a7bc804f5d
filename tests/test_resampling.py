"""Resampling: what the ear could hear stays, what would fold back goes, blocks make no seam."""

from __future__ import annotations

from math import gcd

import numpy as np
import pytest
import torch
import torchaudio
from scipy.signal import resample_poly

from evalsuite import resampling
from evalsuite.resampling import resample, resampled_length

RNG = np.random.default_rng(0)
PAIRS = [(44_100, 16_000), (48_000, 16_000), (8000, 16_000), (22_050, 16_000), (16_000, 44_100)]


def tone(frequency_hz: float, rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32)


def noise(n_samples: int) -> np.ndarray:
    return (0.1 * RNG.standard_normal(n_samples)).astype(np.float32)


def inner(waveform: np.ndarray) -> np.ndarray:
    """Without the ends, where the filter reaches beyond the clip."""
    return waveform[len(waveform) // 5 : -len(waveform) // 5]


@pytest.mark.parametrize(("rate_from_hz", "rate_to_hz"), PAIRS)
def test_a_tone_is_the_same_tone_at_another_rate(rate_from_hz, rate_to_hz):
    for share in (0.01, 0.3, 0.85):
        frequency = share * min(rate_from_hz, rate_to_hz) / 2
        found = resample(tone(frequency, rate_from_hz), rate_from_hz, rate_to_hz)
        expected = tone(frequency, rate_to_hz)
        assert len(found) == len(expected)
        assert np.abs(inner(found) - inner(expected)).max() < 1e-5


@pytest.mark.parametrize("rate_from_hz", [44_100, 48_000, 96_000])
def test_what_would_fold_back_is_gone(rate_from_hz):
    # 8 kHz is the highest that 16 kHz can carry: 8.5 kHz would be heard at 7.5 kHz
    for frequency in (8500, 12_000, 20_000):
        found = resample(tone(frequency, rate_from_hz), rate_from_hz, 16_000)
        assert np.abs(inner(found)).max() < 0.5e-4  # -80 dB


def test_it_agrees_with_scipys_polyphase_on_a_sweep():
    # a sweep up to 6 kHz, where scipy's shorter filter has a ripple of some 4e-4
    time = np.arange(2 * 44_100) / 44_100
    sweep = (0.5 * np.sin(2 * np.pi * (50 + 0.5 * 2975 * time) * time)).astype(np.float32)
    ours, theirs = resample(sweep, 44_100, 16_000), resample_poly(sweep, 160, 441)
    assert len(ours) == len(theirs)
    assert np.abs(inner(ours) - inner(theirs)).max() < 1e-3


@pytest.mark.parametrize(("rate_from_hz", "rate_to_hz"), [*PAIRS, (44_101, 16_000)])
def test_blocks_make_no_seam(rate_from_hz, rate_to_hz, monkeypatch):
    waveform = noise(3 * rate_from_hz)
    whole = resample(waveform, rate_from_hz, rate_to_hz)
    for block in (997, 50_021):
        monkeypatch.setattr(resampling, "BLOCK_SAMPLES", block)
        assert np.abs(resample(waveform, rate_from_hz, rate_to_hz) - whole).max() < 1e-6


@pytest.mark.parametrize(("rate_from_hz", "rate_to_hz"), PAIRS)
def test_both_ways_to_apply_the_filter_agree(rate_from_hz, rate_to_hz):
    divisor = gcd(rate_from_hz, rate_to_hz)
    down, up = rate_from_hz // divisor, rate_to_hz // divisor
    waveform = noise(rate_from_hz)
    through_scipy = resampling._polyphase(down, up)(waveform)
    assert np.abs(resample(waveform, rate_from_hz, rate_to_hz) - through_scipy).max() < 1e-6


def test_rates_without_a_common_divisor_take_no_gigabytes():
    # torchaudio's filter would have 16,000 rows of 44,473 values
    found = resample(tone(997, 44_101), 44_101, 16_000)
    assert np.abs(inner(found) - inner(tone(997, 16_000))).max() < 1e-5


def test_the_filter_is_torchaudios_best_in_double_precision():
    waveform = noise(44_100)
    expected = torchaudio.functional.resample(
        torch.from_numpy(waveform).double(),
        44_100,
        16_000,
        lowpass_filter_width=64,
        rolloff=0.9475937167399596,
        resampling_method="sinc_interp_kaiser",
        beta=14.769656459379492,
    ).numpy()
    assert np.abs(resample(waveform, 44_100, 16_000) - expected).max() < 1e-6


@pytest.mark.parametrize("n_samples", [1, 2, 3, 100, 441, 442, 44_101])
def test_the_length_is_rounded_up(n_samples):
    # 1 sample of 44,100 Hz: 16,000 / 44,100 = 0.36 of one, so 1; 441 are exactly 160, 442: 161
    found = resample(noise(n_samples), 44_100, 16_000)
    assert len(found) == resampled_length(n_samples, 44_100, 16_000)
    assert resampled_length(442, 44_100, 16_000) == 161


def test_the_same_samples_give_the_same_bits():
    waveform = noise(44_100)
    first = resample(waveform, 44_100, 16_000)
    np.testing.assert_array_equal(first, resample(waveform.copy(), 44_100, 16_000))
