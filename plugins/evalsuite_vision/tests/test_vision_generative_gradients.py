"""An answer's gradient by the words of a question and the pixels beside it, against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from transformers import AutoModelForImageTextToText, AutoProcessor

from evalsuite import Attribute, Failure, Image, LogLikelihood, RequestFailed, Role, Text
from evalsuite.model import answer_batch
from evalsuite.testing import check_model

BEFORE, QUESTION, AFTER = "answer : ", "is it red , not blue ?", " yes or no"
TARGET = " the first one"
WITHIN = (len(BEFORE), len(BEFORE + QUESTION))


def content_of(picture):
    return (picture, Text(BEFORE), Text(QUESTION), Text(AFTER))


def ask(model, content, medium, name="saliency", within=WITHIN, where="gradients", **options):
    path = f"evalsuite_explain.explainers.{where}:{name}"
    grid = (0, 0) if medium == "text" else (2, 2)
    request = Attribute(content, TARGET, path, tuple(options.items()), medium, grid, within=within)
    return answer_batch(model, [request])[0]


class Plain:
    """LLaVA by hand: features of the tower laid among the embeddings of the words."""

    def __init__(self, folder, picture):
        self.module = AutoModelForImageTextToText.from_pretrained(folder).eval()
        processor = AutoProcessor.from_pretrained(folder)
        words = processor.tokenizer
        text = f"<s>user: <image>\n{BEFORE}{QUESTION}{AFTER}\nassistant:"
        given = processor(
            text=[text], images=[picture.load()], return_tensors="pt", add_special_tokens=False
        )
        self.tail = words(TARGET, add_special_tokens=False).input_ids
        self.ids = torch.cat([given["input_ids"], torch.tensor([self.tail])], dim=1)
        self.pixels = given["pixel_values"]
        self.n_read = given["input_ids"].shape[1]
        self.embeddings = self.module.get_input_embeddings()(self.ids).detach()

    def score(self, pixels, embeddings):
        """log P(answer), of one point."""
        features = self.module.get_image_features(pixel_values=pixels).pooler_output
        vectors = torch.cat(list(features))
        rows = embeddings.clone()
        rows[self.ids == 3] = vectors
        states = self.module.model.language_model(inputs_embeds=rows).last_hidden_state
        scores = self.module.lm_head(states)[0, self.n_read - 1 : -1].log_softmax(-1)
        return scores[torch.arange(len(self.tail)), torch.tensor(self.tail)].sum()


@pytest.fixture
def plain(checkpoints, pictures):
    return Plain(checkpoints["llava"], pictures[0])


def test_words_and_picture_have_autograds_gradient(loaded, plain, pictures):
    model, content = loaded["llava"], content_of(pictures[0])
    pixels = plain.pixels.clone().requires_grad_()
    rows = plain.embeddings.clone().requires_grad_()
    score = plain.score(pixels, rows)
    expected = model.loglikelihood([LogLikelihood(content, TARGET)])[0].total
    assert float(score.detach()) == pytest.approx(expected, abs=1e-5)
    by_pixels, by_rows = torch.autograd.grad(score, (pixels, rows))
    joint = ask(model, content, "joint")
    cells = by_pixels.abs()[0].sum(0).reshape(2, 16, 2, 16).sum((1, 3)).flatten()
    assert joint.scores[:4] == pytest.approx(cells.tolist(), rel=1e-5, abs=1e-5)
    tokens = by_rows[0, : plain.n_read].abs().sum(-1)
    assert joint.scores[4:] == pytest.approx(tokens.tolist(), rel=1e-5, abs=1e-5)
    # alone, each is what it is jointly
    assert ask(model, content, "image").scores == pytest.approx(joint.scores[:4], abs=1e-6)
    assert ask(model, content, "text").scores == pytest.approx(joint.scores[4:], abs=1e-6)


def test_integrated_gradients_of_both_are_captums(loaded, plain, pictures):
    model, content = loaded["llava"], content_of(pictures[0])
    view = model.differentiable_view(content, TARGET, medium="joint", grid=(2, 2), within=WITHIN)
    blank = plain.embeddings.clone()
    is_word = torch.tensor([a < b for a, b in view.spans])
    nothing = model.module.get_input_embeddings().weight[model.tokenizer.pad_token_id]
    blank[0, : plain.n_read][is_word] = nothing.detach()
    mean = plain.pixels.mean((-2, -1), keepdim=True).expand_as(plain.pixels)

    def score(pixels, rows):
        return torch.stack([plain.score(p[None], r[None]) for p, r in zip(pixels, rows)])

    theirs = IntegratedGradients(score).attribute(
        (plain.pixels, plain.embeddings), baselines=(mean, blank), n_steps=24, internal_batch_size=1
    )
    found = ask(model, content, "joint", "integrated_gradients", n_steps=24)
    cells = theirs[0][0].sum(0).reshape(2, 16, 2, 16).sum((1, 3)).flatten()
    assert found.scores[:4] == pytest.approx(cells.tolist(), rel=1e-5, abs=1e-5)
    tokens = theirs[1][0, : plain.n_read].sum(-1)
    assert found.scores[4:] == pytest.approx(tokens.tolist(), rel=1e-5, abs=1e-5)


def test_spans_are_the_words_explained_whatever_the_template_puts_around(loaded, kind, pictures):
    model = loaded[kind]
    found = ask(model, content_of(pictures[0]), "text")
    covered = "".join(QUESTION[a:b] for a, b in found.spans)
    assert covered == QUESTION
    inputs = model.differentiable_view(content_of(pictures[0]), TARGET, within=WITHIN)
    kept = (inputs.inputs == inputs.baseline).all(-1)[0].tolist()
    assert kept == [a == b for a, b in inputs.spans]


def test_words_of_every_kind_are_scored_as_asked(loaded, kind, falling_back, pictures):
    content = content_of(pictures[1])
    for model in (loaded[kind], falling_back):
        view = model.differentiable_view(content, TARGET, within=WITHIN)
        expected = model.loglikelihood([LogLikelihood(content, TARGET)])[0].total
        with torch.no_grad():
            assert float(view.output(view.inputs)[0]) == pytest.approx(expected, abs=1e-3)


def test_several_pictures_may_stand_among_the_words(loaded, pictures):
    content = (Text("first "), pictures[0], Text("second "), pictures[3], Text("which ?"))
    found = ask(loaded["llava"], content, "text", within=None)
    text = "first second which ?"
    assert "".join(text[a:b] for a, b in found.spans).split() == text.split()


def test_a_question_asked_twice_is_explained_where_it_is_meant(loaded, pictures):
    example = (Text("is it red ?"), Role("assistant"), Text("no"), Role("user"))
    content = (pictures[0], *example, Text("is it red ?"))
    first, last = (
        ask(loaded["llava"], content, "text", within=within) for within in ((0, 11), (13, 24))
    )
    places = [[i for i, (a, b) in enumerate(found.spans) if a < b] for found in (first, last)]
    assert all(places)
    assert max(places[0]) < min(places[1])


@pytest.mark.parametrize("name", ["relevance", "attention_rollout", "grad_cam"])
def test_layers_are_open_for_the_words(loaded, pictures, name):
    found = ask(loaded["llava"], content_of(pictures[0]), "text", name, where="attention")
    assert max(found.scores) > 0
    joint = ask(loaded["llava"], content_of(pictures[0]), "joint", name, where="attention")
    assert isinstance(joint, Failure)
    assert "integrated_gradients" in joint.message


@pytest.mark.parametrize(
    "name", ["input_x_gradient", "smooth_grad", "input_magnitude", "integrated_gradients"]
)
def test_every_explainer_of_gradients_takes_both(loaded, pictures, name):
    found = ask(loaded["llava"], content_of(pictures[0]), "joint", name)
    assert np.isfinite(found.scores).all()
    assert any(found.scores[:4])
    assert any(found.scores[4:])


def test_company_and_order_change_nothing(loaded, pictures):
    path = "evalsuite_explain.explainers.gradients:saliency"
    requests = [
        Attribute(content_of(one), TARGET, path, (), medium, (2, 2), within=WITHIN)
        for one, medium in ((pictures[0], "joint"), (pictures[1], "text"), (pictures[2], "joint"))
    ]
    check_model(loaded["llava"], requests)
    assert torch.is_grad_enabled()


def half_dark(width, height, left, top):
    """A black picture with one white quarter."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top : top + height // 2, left : left + width // 2] = 255
    return Image.from_array(pixels)


@pytest.mark.parametrize("name", ["qwen2-vl", "idefics3"])
def test_patches_and_tiles_lie_in_the_cells_that_they_show(loaded, name):
    for cell, (left, top) in enumerate(((0, 0), (32, 0), (0, 32), (32, 32))):
        content = (half_dark(64, 64, left, top), Text(QUESTION))
        view = loaded[name].differentiable_view(content, TARGET, medium="image", grid=(2, 2))
        darkest = view.inputs.min()
        sums = view.cell_sums((view.inputs - darkest) / (view.inputs.max() - darkest))
        assert int(sums.argmax()) == cell
        assert float(sums[cell] / sums.sum()) > 0.9


@pytest.mark.parametrize("name", ["qwen2-vl", "idefics3"])
def test_words_beside_patches_and_tiles_are_explained_too(loaded, name, pictures):
    model, content = loaded[name], content_of(pictures[2])
    view = model.differentiable_view(content, TARGET, medium="joint", grid=(2, 2), within=WITHIN)
    expected = model.loglikelihood([LogLikelihood(content, TARGET)])[0].total
    with torch.no_grad():
        assert float(view.output(view.inputs)[0]) == pytest.approx(expected, abs=1e-3)
    leaf = view.inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(view.output(leaf).sum(), leaf)
    found = ask(model, content, "joint")
    assert found.scores == pytest.approx(view.cell_sums(gradient.abs()).tolist(), abs=1e-5)
    assert all(score > 0 for score in found.scores[:4])


def test_words_that_the_template_rewrites_say_what_works(load, checkpoints, pictures):
    model = load(checkpoints["llava"])
    model.writer.template = model.writer.template.replace("c['text']", "c['text'] | upper")
    with pytest.raises(RequestFailed, match="rewrites"):
        model.differentiable_view((pictures[0], Text(QUESTION)), TARGET)


def test_what_is_not_there_is_refused(loaded, pictures):
    model = loaded["llava"]
    with pytest.raises(ValueError, match="no text"):
        model.differentiable_view((pictures[0],), TARGET)
    with pytest.raises(ValueError, match="one picture or clip"):
        model.differentiable_view((Text(QUESTION),), TARGET, medium="joint")
    with pytest.raises(ValueError, match="is empty"):
        model.differentiable_view(content_of(pictures[0]), "")
