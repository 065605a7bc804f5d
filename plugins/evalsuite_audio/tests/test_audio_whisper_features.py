"""Whisper's fast paths beside the library's own: the same features, the same tokens kept out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor
from transformers.generation.logits_process import (
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
)

from evalsuite import Audio
from evalsuite_audio.models.whisper_features import WhisperFeatures
from evalsuite_audio.models.whisper_suppression import Suppression

RATE_HZ = 16_000


class Louder(WhisperFeatureExtractor):
    """An extractor of the user's own."""

    def __call__(self, raw_speech, **arguments):
        """Features, shifted."""
        found = super().__call__(raw_speech, **arguments)
        found["input_features"] = found["input_features"] + 1
        return found


def extractor(kind=WhisperFeatureExtractor, **settings):
    return kind(chunk_length=1, **settings)


def noises(*lengths):
    rng = np.random.default_rng(0)
    return [(0.1 * rng.standard_normal(n)).astype(np.float32) for n in lengths]


def library(plain, waveforms, **arguments):
    return plain(waveforms, sampling_rate=RATE_HZ, return_tensors="pt", **arguments)[
        "input_features"
    ]


@pytest.mark.parametrize("bands", [80, 128])
def test_windows_are_those_of_the_extractor(bands):
    plain = extractor(feature_size=bands)
    ours = WhisperFeatures(plain)
    waveforms = noises(1, 400, 7001, 16_000)
    assert ours.mel is not None
    torch.testing.assert_close(
        ours.windows(waveforms), library(plain, waveforms), atol=1e-5, rtol=0
    )


def test_real_speech_is_heard_as_the_extractor_hears_it(data):
    plain = WhisperFeatureExtractor()
    paths = sorted((data / "fsdd_test").glob("*_0.wav"))[::10]
    waveforms = [Audio(path=path).load(RATE_HZ)[0] for path in paths]
    found = WhisperFeatures(plain).windows(waveforms)
    torch.testing.assert_close(found, library(plain, waveforms), atol=1e-5, rtol=0)


@pytest.mark.parametrize("n_samples", [9000, 16_000, 16_001, 57_123])
def test_a_whole_clip_is_that_of_the_extractor(n_samples):
    plain = extractor()
    (waveform,) = noises(n_samples)
    filled = {"truncation": False, "padding": "longest" if n_samples > RATE_HZ else "max_length"}
    found = WhisperFeatures(plain).whole(waveform)
    torch.testing.assert_close(found, library(plain, waveform, **filled), atol=1e-5, rtol=0)


def test_a_clip_has_the_same_features_in_any_company():
    ours = WhisperFeatures(extractor())
    waveforms = noises(3000, 16_000, 9000)
    alone = torch.cat([ours.windows([waveform]) for waveform in waveforms])
    assert torch.equal(ours.windows(waveforms), alone)


def test_an_extractor_of_another_kind_is_asked_itself():
    plain = extractor(Louder)
    ours = WhisperFeatures(plain)
    waveforms = noises(3000, 16_000)
    assert ours.mel is None
    assert torch.equal(ours.windows(waveforms), library(plain, waveforms))
    (long,) = noises(20_000)
    whole = library(plain, long, truncation=False, padding="longest")
    assert torch.equal(ours.whole(long), whole)


def test_an_extractor_that_adds_noise_is_asked_itself():
    assert WhisperFeatures(extractor(dither=1e-4)).mel is None


def test_an_extractor_that_gives_other_features_is_asked_itself():
    plain = extractor()
    right = plain._torch_extract_fbank_features
    plain._torch_extract_fbank_features = lambda *given: right(*given) + 1e-2
    assert WhisperFeatures(plain).mel is None


@pytest.mark.parametrize("never", [(), (3, 5, 10_000, -1)])
@pytest.mark.parametrize("not_first", [(), (0, 5)])
def test_the_tokens_that_the_library_keeps_out_are_kept_out(never, not_first):
    scores = torch.randn(2, 12, generator=torch.Generator().manual_seed(0))
    ours = Suppression(never, not_first, 12, torch.device("cpu"))
    ours.set_begin_index(4)
    for n_before in (4, 5):
        ids = torch.zeros(2, n_before, dtype=torch.long)
        expected = SuppressTokensLogitsProcessor(never)(ids, scores) if never else scores
        if not_first:
            expected = SuppressTokensAtBeginLogitsProcessor(not_first, 4)(ids, expected)
        assert torch.equal(ours(ids, scores), expected)
