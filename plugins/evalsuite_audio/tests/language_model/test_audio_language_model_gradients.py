"""An answer's gradient by the cells of a clip and the words of a question, against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

from evalsuite import Attribute, LogLikelihood, Sample, Text
from evalsuite.model import answer_batch
from evalsuite.testing import check_model, play
from evalsuite_explain.modality.gradient_shares import AudioAnswerGradients

QUESTION, AFTER, TARGET = "what sound is this ?", " yes or no", " a dog"
WITHIN = (0, len(QUESTION))
RATE_HZ, HOP = 16_000, 160


def content_of(clip):
    return (clip, Text(QUESTION), Text(AFTER))


def ask(model, content, medium, name="saliency", grid=(2, 3), **options):
    path = f"evalsuite_explain.explainers.gradients:{name}"
    grid = (0, 0) if medium == "text" else grid
    request = Attribute(content, TARGET, path, tuple(options.items()), medium, grid, within=WITHIN)
    return answer_batch(model, [request])[0]


class Plain:
    """Qwen2-Audio by hand: what the tower hears laid among the embeddings of the words."""

    def __init__(self, folder, model, clip):
        self.module = Qwen2AudioForConditionalGeneration.from_pretrained(folder).eval()
        processor = AutoProcessor.from_pretrained(folder)
        given = processor(
            text=[model.writer.write(content_of(clip)).text], audio=[clip.load(RATE_HZ)[0].copy()],
            sampling_rate=RATE_HZ, return_tensors="pt",
        )  # fmt: skip
        self.tail = processor.tokenizer(TARGET, add_special_tokens=False).input_ids
        self.ids = torch.cat([given["input_ids"], torch.tensor([self.tail])], dim=1)
        self.n_read = given["input_ids"].shape[1]
        self.given, self.features = given, given["input_features"]
        self.embeddings = self.module.get_input_embeddings()(self.ids).detach()

    def score(self, features, embeddings):
        """log P(answer), of one point."""
        handle = self.module.get_input_embeddings().register_forward_hook(lambda *_: embeddings)
        logits = self.module(
            input_ids=self.ids,
            input_features=features,
            feature_attention_mask=self.given["feature_attention_mask"],
            attention_mask=torch.ones_like(self.ids),
        ).logits
        handle.remove()
        scores = logits[0, self.n_read - 1 : -1].log_softmax(-1)
        return scores[torch.arange(len(self.tail)), torch.tensor(self.tail)].sum()


@pytest.fixture
def plain(checkpoints, loaded, clips):
    return Plain(checkpoints["qwen2-audio"], loaded["qwen2-audio"], clips[1])


def by_cells(model, values, n_samples, rows, columns):
    """Sums of [bands, frames], one number after another; bands of equal height in mel."""
    extractor = model.processor.feature_extractor
    tops = np.linspace(np.log10(1 + 8000 / 700), 0, rows + 1)
    sums = np.zeros((rows, columns))
    for band in range(16):
        peak_hz = int(extractor.mel_filters[:, band].argmax()) * 8000 / 200
        row = sum(np.log10(1 + peak_hz / 700) < top for top in tops[1:-1])
        for frame in range(values.shape[1]):
            if frame * HOP < n_samples + 200:
                moment = min(columns - 1, frame * HOP * columns // n_samples)
                sums[row, moment] += float(values[band, frame])
    return sums.flatten().tolist()


def test_sound_and_words_have_autograds_gradient(loaded, plain, clips):
    model, content = loaded["qwen2-audio"], content_of(clips[1])
    features = plain.features.clone().requires_grad_()
    rows = plain.embeddings.clone().requires_grad_()
    score = plain.score(features, rows)
    expected = model.loglikelihood([LogLikelihood(content, TARGET)])[0].total
    assert float(score.detach()) == pytest.approx(expected, abs=1e-5)
    by_features, by_rows = torch.autograd.grad(score, (features, rows))
    joint = ask(model, content, "joint")
    cells = by_cells(model, by_features[0].abs(), 5600, 2, 3)
    assert joint.scores[:6] == pytest.approx(cells, rel=1e-5, abs=1e-5)
    tokens = by_rows[0, : plain.n_read].abs().sum(-1)
    assert joint.scores[6:] == pytest.approx(tokens.tolist(), rel=1e-5, abs=1e-5)
    assert ask(model, content, "audio").scores == pytest.approx(joint.scores[:6], abs=1e-6)
    assert ask(model, content, "text").scores == pytest.approx(joint.scores[6:], abs=1e-6)


def test_integrated_gradients_are_captums_from_the_mean_level(loaded, plain, clips):
    model, content = loaded["qwen2-audio"], content_of(clips[1])
    is_heard = torch.arange(100) * HOP < 5600 + 200
    mean = plain.features[..., is_heard].mean()
    baseline = torch.where(is_heard, mean, plain.features)
    theirs = IntegratedGradients(
        lambda x: torch.stack([plain.score(one[None], plain.embeddings) for one in x])
    ).attribute(plain.features, baselines=baseline, n_steps=24, internal_batch_size=1)
    found = ask(model, content, "audio", "integrated_gradients", n_steps=24)
    expected = by_cells(model, theirs[0], 5600, 2, 3)
    assert found.scores == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_every_kind_is_scored_as_asked_and_its_words_found(loaded, kind, clips):
    model, content = loaded[kind], content_of(clips[0])
    expected = model.loglikelihood([LogLikelihood(content, TARGET)])[0].total
    for medium in ("audio", "text", "joint"):
        view = model.differentiable_view(content, TARGET, medium=medium, grid=(2, 3), within=WITHIN)
        with torch.no_grad():
            assert float(view.output(view.inputs)[0]) == pytest.approx(expected, abs=1e-3)
        if medium != "audio":
            assert "".join(QUESTION[a:b] for a, b in view.spans) == QUESTION


def test_windows_of_a_long_clip_lie_one_after_another(loaded):
    from evalsuite import Audio

    noise = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    clip = Audio.from_array(noise, RATE_HZ)  # 2.5 s in windows of one
    view = loaded["audio-flamingo-3"].differentiable_view(
        content_of(clip), TARGET, medium="audio", grid=(1, 5)
    )
    assert view.inputs.shape[1] == 3
    sums = view.cell_sums(torch.ones_like(view.inputs))
    # 50 frames of 16 bands in each half second, and two more that still hear the last samples
    assert sums.tolist() == [800.0, 800.0, 800.0, 800.0, 832.0]


def test_a_model_that_sees_and_hears_opens_one_of_them_at_a_time(qwen_omni, tmp_path, clips):
    from evalsuite import Image, LoadSettings
    from evalsuite_vision.models.image_text_to_text import Loader

    model = Loader().load(qwen_omni(tmp_path), LoadSettings(device="cpu", threads=1))
    picture = Image.from_array(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8))
    content = (picture, clips[1], Text(QUESTION))
    for medium in ("audio", "text"):
        found = ask(model, content, medium)
        assert any(found.scores)
    with pytest.raises(ValueError, match="one picture or clip"):
        ask(model, content, "joint")


def test_company_and_order_change_nothing(loaded, kind, clips):
    path = "evalsuite_explain.explainers.gradients:saliency"
    requests = [
        Attribute(content_of(one), TARGET, path, (), medium, (1, 3), within=WITHIN)
        for one, medium in ((clips[0], "joint"), (clips[1], "text"), (clips[2], "audio"))
    ]
    check_model(loaded[kind], requests)


def test_shares_of_gradients_know_a_model_that_does_not_listen(load, checkpoints, clips):
    model = load(checkpoints["qwen2-audio"])
    probe = AudioAnswerGradients(settings={"n_steps": 8})
    asked = {"question": QUESTION, "choices": ["a dog", "a bell"], "answer": 0}
    samples = [Sample(str(i), {"audio": clip, **asked}) for i, clip in enumerate(clips[:3])]

    def share():
        played = play(probe, samples, lambda request: answer_batch(model, [request])[0])
        assert not played.failures
        return played.estimate("text share of gradients").value

    assert 0 < share() < 1
    with torch.no_grad():
        for weight in model.module.model.multi_modal_projector.parameters():
            weight.zero_()
    assert share() == pytest.approx(1.0, abs=1e-6)
