"""Models of pictures, sounds and texts opened up: what is explained is what they answer."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image as pillow  # noqa: N813

from evalsuite import (
    Attribute,
    Audio,
    Classify,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Failure,
    Image,
    LoadSettings,
    SimilarityScale,
    Text,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite_controls.data import classifier, digits, shapes, sounds
from evalsuite_explain.explainers.catalogue import GRADIENTS
from evalsuite_transformers.differentiable.pictures import picture_cells

PICTURES = {
    "digits-clean": (lambda: Image(data=next(digits.digit_rows())["image"]), "the digit five"),
    "shapes-clean": (
        lambda: Image(data=next(shapes.shape_rows())["image"]),
        f"a photo of a {next(shapes.shape_rows())['label']}",
    ),
}


@cache
def control(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def path(name):
    return f"evalsuite_explain.explainers.{GRADIENTS[name][0]}:{name}"


def ask(model, content, name, medium="text", grid=(0, 0), target="", **options):
    request = Attribute(content, target, path(name), tuple(options.items()), medium, grid)
    return answer_batch(model, [request])[0]


def similarity(model, part, text):
    request = EmbedImage(part) if isinstance(part, Image) else EmbedAudio(part)
    method = model.embed_image if isinstance(part, Image) else model.embed_audio
    (one,), (other,) = method([request]), model.embed_text([EmbedText(text)])
    (scale,) = model.similarity_scale([SimilarityScale()])
    return scale.scale * float(one.vector @ other.vector) + scale.bias


def clip():
    return Audio(data=next(sounds.sound_rows())["audio"])


def cases():
    for name, (make, text) in PICTURES.items():
        yield pytest.param(name, make, text, "image", id=name)
    yield pytest.param("sounds-clean", clip, "the sound of bell", "audio", id="sounds-clean")


@pytest.mark.parametrize(("name", "make", "text", "medium"), list(cases()))
def test_both_sides_output_is_the_models_own_similarity(name, make, text, medium):
    model, part = control(name), make()
    wanted = similarity(model, part, text)
    for side in (medium, "text"):
        view = model.differentiable_view((part, Text(text)), "", medium=side, grid=(4, 4))
        with torch.no_grad():
            assert float(view.output(view.inputs)[0]) == pytest.approx(wanted, abs=1e-3)
        assert float(view.trace().output.detach()) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(("name", "make", "text", "medium"), list(cases()))
def test_integrated_gradients_of_a_medium_add_up_over_the_cells(name, make, text, medium):
    content = (make(), Text(text))
    found = ask(control(name), content, "integrated_gradients", medium, (2, 4), n_steps=64)
    assert found.grid == (2, 4)
    assert len(found.scores) == 8
    assert sum(found.scores) == pytest.approx(found.total, rel=0.02, abs=0.05)


@pytest.mark.parametrize(("name", "make", "text", "medium"), list(cases()))
def test_both_sides_at_once_have_the_gradients_that_each_has_alone(name, make, text, medium):
    model, content = control(name), (make(), Text(text))
    view = model.differentiable_view(content, "", medium="joint", grid=(2, 3))
    with torch.no_grad():
        found = float(view.output(view.inputs)[0])
    assert found == pytest.approx(similarity(model, content[0], text), abs=1e-3)
    joint = ask(model, content, "saliency", "joint", (2, 3))
    cells = ask(model, content, "saliency", medium, (2, 3))
    words = ask(model, content, "saliency")
    assert (joint.grid, joint.spans) == ((2, 3), words.spans)
    assert joint.scores[:6] == pytest.approx(cells.scores, rel=1e-4, abs=1e-5)
    assert joint.scores[6:] == pytest.approx(words.scores, rel=1e-4, abs=1e-5)
    complete = ask(model, content, "integrated_gradients", "joint", (2, 3), n_steps=64)
    assert sum(complete.scores) == pytest.approx(complete.total, rel=0.03, abs=0.05)


@pytest.mark.parametrize("explainer", [name for name in GRADIENTS if name != "deep_lift"])
def test_every_explainer_looks_into_clips_texts(explainer):
    make, text = PICTURES["digits-clean"]
    for medium, grid in (("text", (0, 0)), ("image", (4, 4))):
        found = ask(control("digits-clean"), (make(), Text(text)), explainer, medium, grid)
        assert not isinstance(found, Failure)
        assert np.isfinite(found.scores).all()
        assert max(map(abs, found.scores)) > 0


@pytest.mark.parametrize("explainer", ["relevance", "attention_rollout", "grad_cam"])
def test_layers_of_classifiers_language_models_and_open_clip_are_open(explainer):
    make, text = PICTURES["shapes-clean"]
    for side, grid in (("text", (0, 0)), ("image", (4, 4))):
        assert any(ask(control("shapes-clean"), (make(), Text(text)), explainer, side, grid).scores)
    review = next(classifier.review_rows())["text"]
    label = control("classifier-clean").classify([Classify(review)])[0].label
    for name, target in (("classifier-clean", label), ("text-clean", " film")):
        found = ask(control(name), (Text(review),), explainer, target=target)
        assert len(found.scores) == len(found.spans)
        assert max(found.scores) > 0


def test_a_moment_is_absent_at_each_bands_mean_and_a_cell_at_the_mean_of_all():
    for grid, dimensions in (((1, 4), (1, 2, 3)), ((4, 4), (1, 2, 3, 4))):
        view = control("sounds-clean").differentiable_view(
            (clip(), Text("the sound of bell")), "", medium="audio", grid=grid
        )
        mean = view.inputs.mean(dim=dimensions, keepdim=True).expand_as(view.inputs)
        torch.testing.assert_close(view.baseline, mean)


def test_attention_within_windows_is_not_followed():
    found = ask(control("sounds-clean"), (clip(), Text("bell")), "relevance", "audio", (1, 4))
    assert isinstance(found, Failure)
    assert "grad_cam" in found.message


def test_a_target_beside_a_similarity_is_refused():
    make, text = PICTURES["digits-clean"]
    with pytest.raises(ValueError, match="leave the target empty"):
        control("digits-clean").differentiable_view((make(), Text(text)), "five", medium="image")


def test_open_clips_attention_step_by_step_is_torchs():
    from evalsuite_vision.models.open_clip_layers import attended

    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    rows, mask = torch.randn(2, 5, 12), torch.full((5, 5), -torch.inf).triu(1)
    theirs, weights = attention(rows, rows, rows, attn_mask=mask, average_attn_weights=False)
    ours, own = attended(attention, rows, mask)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(own, weights)


def prepared(size, resize, crop=None):
    """A processor that squashes to ``resize`` and cuts a box out."""

    def prepare(pil):
        small = pil.resize(resize, pillow.Resampling.BILINEAR)
        small = small.crop(crop) if crop else small
        return torch.from_numpy(np.asarray(small, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]

    return prepare


@pytest.mark.parametrize("size", [(64, 64), (200, 120), (16, 40)])
def test_every_pixel_of_a_squashed_picture_lies_in_its_cell(size):
    # 32 x 32 pixels in 4 x 4 cells: 64 pixels in each, of three channels of ones
    sums = picture_cells(prepared(size, (32, 32)), size, (4, 4))
    assert sums(torch.ones(1, 3, 32, 32)).tolist() == [192.0] * 16


def test_cells_that_are_cut_off_get_nothing():
    # the outer quarters of the width are cut: 16 columns are left, 8 for each of the inner cells
    sums = picture_cells(prepared((80, 80), (32, 32), (8, 0, 24, 32)), (80, 80), (1, 4))
    assert sums(torch.ones(1, 1, 32, 16)).tolist() == [0.0, 256.0, 256.0, 0.0]


def test_padding_is_in_no_cell():
    def prepare(pil):
        inner = prepared(pil.size, (32, 16))(pil)
        return torch.nn.functional.pad(inner, (0, 0, 8, 8), value=0.25)

    sums = picture_cells(prepare, (64, 32), (2, 1))
    # of 32 rows the 16 in the middle are the picture
    assert sums(torch.ones(1, 1, 32, 32)).tolist() == [256.0, 256.0]
