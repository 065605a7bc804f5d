"""Whisper's gradients against autograd written out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Saliency
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from evalsuite import Attribute, Audio, Failure, LoadSettings, LogLikelihood, Text, Transcribe
from evalsuite.model import answer_batch
from evalsuite.testing import check_model
from evalsuite_audio.models.speech_seq2seq import Loader

RATE_HZ = 16_000
OPENING = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
FRAMES, HOP = 100, 160
EXPLAINERS = "evalsuite_explain.explainers"


@pytest.fixture(scope="module")
def model(small_whisper):
    return Loader().load(str(small_whisper), LoadSettings(device="cpu", options={"language": "en"}))


@pytest.fixture(scope="module")
def plain(small_whisper):
    """The library's own module and processor."""
    module = WhisperForConditionalGeneration.from_pretrained(small_whisper).eval()
    return module, WhisperProcessor.from_pretrained(small_whisper)


def clip(n_samples, rate_hz=RATE_HZ, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / rate_hz
    tone = np.sin(2 * np.pi * rng.uniform(200, 3000) * t * (1 + t))
    noise = 0.05 * rng.standard_normal(n_samples)
    return Audio.from_array((0.3 * tone + noise).astype(np.float32), rate_hz)


HALF = clip(8000)


def spectrogram(model, audio):
    """What the model hears, which is compared with the library's elsewhere."""
    return model.features.windows([audio.load(RATE_HZ)[0]])


def log_probability(plain, features, before, words):
    """Of words after a text, rows of spectrograms; no token is suppressed."""
    module, processor = plain
    opening = processor.tokenizer.convert_tokens_to_ids(OPENING)
    head, tail = (
        processor.tokenizer(t, add_special_tokens=False).input_ids for t in (before, words)
    )
    ids = torch.tensor([[*opening, *head, *tail]])
    logits = module(features, decoder_input_ids=ids.expand(len(features), -1)).logits
    scores = logits[:, -len(tail) - 1 : -1].log_softmax(-1)
    return scores.gather(-1, torch.tensor(tail).expand(len(features), -1)[..., None]).sum((1, 2))


def by_moments(values, n_samples, n_moments):
    """Sums of [1, bands, frames] over moments, one frame after another."""
    sums = [0.0] * n_moments
    for frame in range(FRAMES):
        if frame * HOP < n_samples + 200:  # half a window of 400 still hears the clip
            moment = min(n_moments - 1, frame * HOP * n_moments // n_samples)
            sums[moment] += float(values[0, :, frame].sum())
    return sums


def ask(model, content, name, grid, target=" cat mat", where="gradients", **options):
    path = f"{EXPLAINERS}.{where}:{name}"
    request = Attribute(content, target, path, tuple(options.items()), "audio", grid)
    return answer_batch(model, [request])[0]


def test_the_output_is_the_score_of_the_words(model, plain):
    for content, before in (((HALF,), ""), ((HALF, Text("cat")), " cat")):
        view = model.differentiable_view(content, " mat", medium="audio", grid=(1, 4))
        expected = model.loglikelihood([LogLikelihood(content, " mat")])[0].total
        with torch.no_grad():
            assert float(view.output(view.inputs)[0]) == pytest.approx(expected, abs=1e-5)
            mine = float(log_probability(plain, spectrogram(model, HALF), before, " mat")[0])
        assert mine == pytest.approx(expected, abs=1e-5)


def test_gradients_are_autograds_and_captums(model, plain):
    inputs = spectrogram(model, HALF).requires_grad_()
    (gradient,) = torch.autograd.grad(log_probability(plain, inputs, "", " cat mat").sum(), inputs)
    heard = ask(model, (HALF,), "saliency", (1, 4))
    assert heard.scores == pytest.approx(by_moments(gradient.abs(), 8000, 4), rel=1e-5, abs=1e-5)
    theirs = Saliency(lambda x: log_probability(plain, x, "", " cat mat")).attribute(inputs)
    torch.testing.assert_close(theirs, gradient.abs())
    weighed = ask(model, (HALF,), "input_x_gradient", (1, 4))
    expected = by_moments((gradient * inputs).detach(), 8000, 4)
    assert weighed.scores == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_integrated_gradients_are_captums_from_each_bands_mean(model, plain):
    inputs = spectrogram(model, HALF)
    is_heard = torch.arange(FRAMES) * HOP < 8200
    mean = inputs[..., is_heard].mean(-1, keepdim=True)
    baseline = torch.where(is_heard, mean, inputs)
    theirs = IntegratedGradients(lambda x: log_probability(plain, x, "", " cat mat")).attribute(
        inputs, baselines=baseline, n_steps=32
    )
    found = ask(model, (HALF,), "integrated_gradients", (1, 4), n_steps=32)
    assert found.scores == pytest.approx(by_moments(theirs, 8000, 4), rel=1e-5, abs=1e-5)
    with torch.no_grad():
        change = [float(log_probability(plain, x, "", " cat mat")[0]) for x in (inputs, baseline)]
    assert found.total == pytest.approx(change[0] - change[1], abs=1e-4)


def test_many_steps_add_up_over_bands_and_moments(model):
    found = ask(model, (HALF,), "integrated_gradients", (4, 4), n_steps=96)
    assert len(found.scores) == 16
    assert sum(found.scores) == pytest.approx(found.total, rel=0.02, abs=0.02)


def test_smooth_grad_without_noise_is_saliency(model):
    still = ask(model, (HALF,), "smooth_grad", (2, 4), n_samples=2, noise=0.0)
    assert still.scores == pytest.approx(ask(model, (HALF,), "saliency", (2, 4)).scores, rel=1e-4)


def test_bands_come_the_highest_first(model, plain):
    view = model.differentiable_view((HALF,), " cat", medium="audio", grid=(4, 1))
    ones = torch.zeros_like(view.inputs)
    ones[0, 0, :10] = 1.0  # the lowest band of ten frames
    assert view.cell_sums(ones).tolist() == [0.0, 0.0, 0.0, 10.0]


@pytest.mark.parametrize("name", ["relevance", "attention_rollout", "grad_cam"])
def test_layers_are_open_across_the_decoder(model, name):
    found = ask(model, (HALF,), name, (1, 4), where="attention")
    assert not isinstance(found, Failure), found
    assert max(found.scores) > 0
    assert min(found.scores) >= 0
    # bands have no attention of their own: theirs is a share of the moment's
    bands = ask(model, (HALF,), name, (4, 4), where="attention")
    sums = np.array(bands.scores).reshape(4, 4).sum(axis=0)
    assert sums == pytest.approx(found.scores, rel=1e-5, abs=1e-6)


def test_relevance_is_chefers_written_out(model, plain):
    module, processor = plain
    module.set_attn_implementation("eager")
    ids = processor.tokenizer.convert_tokens_to_ids(OPENING)
    tail = processor.tokenizer(" cat", add_special_tokens=False).input_ids
    assert len(tail) == 1
    inputs = spectrogram(model, HALF)
    found = module(inputs, decoder_input_ids=torch.tensor([ids]), output_attentions=True)
    score = found.logits[0, -1].log_softmax(-1)[tail[0]]
    weights = [*found.encoder_attentions, *found.decoder_attentions, *found.cross_attentions]
    cams = [(w * g).clamp(min=0).mean(1)[0].detach()
            for w, g in zip(weights, torch.autograd.grad(score, weights))]  # fmt: skip
    heard, own = torch.eye(50), torch.eye(4)
    for cam in cams[:2]:
        heard = heard + cam @ heard
    rows = heard - torch.eye(50)
    normal = rows / rows.sum(-1, keepdim=True) + torch.eye(50)
    across = torch.zeros(4, 50)
    for layer in range(2):
        own, across = own + cams[2 + layer] @ own, across + cams[2 + layer] @ across
        rest = own - torch.eye(4)
        sums = rest.sum(-1, keepdim=True)
        rest = torch.where(sums > 0, rest / sums, 0 * rest) + torch.eye(4)
        across = across + rest.T @ cams[4 + layer] @ normal
    module.set_attn_implementation("sdpa")
    frames = (across[-1].repeat_interleave(2) / 2)[None, None]
    expected = by_moments(frames, 8000, 4)
    ours = ask(model, (HALF,), "relevance", (1, 4), " cat", where="attention")
    assert ours.scores == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_company_order_and_the_rate_of_the_clip_change_nothing(model):
    path = f"{EXPLAINERS}.gradients:saliency"
    requests = [
        Attribute((audio,), " cat", path, (), "audio", (2, 4))
        for audio in (HALF, clip(16000, seed=3), clip(4000, 8000, seed=4))
    ]
    check_model(model, requests)
    before = torch.is_grad_enabled(), [p.requires_grad for p in model.module.parameters()]
    answer_batch(model, requests)
    assert before == (torch.is_grad_enabled(), [p.requires_grad for p in model.module.parameters()])


def test_without_words_the_models_own_are_explained(model, monkeypatch):
    settings = model.module.generation_config
    monkeypatch.setattr(settings, "max_length", 20)  # written without end by random weights
    heard = model.transcribe([Transcribe(HALF)])[0].text
    own, given = (ask(model, (HALF,), "saliency", (1, 4), target) for target in ("", heard))
    assert own.scores == given.scores


def test_what_cannot_be_explained_says_why(model):
    long = ask(model, (clip(20000),), "saliency", (1, 4))
    assert isinstance(long, Failure)
    assert "one window" in long.message
    with pytest.raises(ValueError, match="one clip"):
        model.differentiable_view((), "", medium="audio", grid=(1, 4))
    assert json.dumps([long.kind]) == '["clip too long"]'
