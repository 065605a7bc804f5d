"""Image-text models and tasks: the same answer in any company, ties as guesses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModel, CLIPModel, SiglipConfig, SiglipModel

from evalsuite import (
    Attribute,
    Embedding,
    EmbedImage,
    EmbedText,
    Generate,
    Image,
    LoadSettings,
    LogLikelihood,
    ModelError,
    Sample,
    Similarity,
    SimilarityScale,
    Text,
)
from evalsuite.factories import describe_model, loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec
from evalsuite.testing import check_model, check_probe, play
from evalsuite.zero_shot import class_vectors, predict
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_vision.tasks.zero_shot import ZeroShotClassification

RNG = np.random.default_rng(0)
PICTURES = [Image.from_array(RNG.integers(0, 255, (h, 40, 3), np.uint8)) for h in (32, 40, 64)]
TEXTS = ["zero", "a photo of a circle", "the digit one"]


def load(name):
    loader, reference = loader_for(name, installed())
    return loader.load(reference, LoadSettings(device="cpu"))


@pytest.mark.parametrize("name", ["control:digits-clean", "control:shapes-clean"])
def test_vectors_do_not_depend_on_the_batch(name):
    requests = [*map(EmbedImage, PICTURES), *map(EmbedText, TEXTS), SimilarityScale()]
    check_model(load(name), requests)


def test_vectors_have_length_one():
    for answer in load("control:digits-clean").embed_image([EmbedImage(p) for p in PICTURES]):
        assert np.linalg.norm(answer.vector) == pytest.approx(1, abs=1e-5)


def siglip(folder):
    """A tiny SigLIP, saved and loaded."""
    source = CONTROLS["digits-clean"].directory
    text = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 16, "pad_token_id": 0}  # fmt: skip
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 32, "patch_size": 8}  # fmt: skip
    torch.manual_seed(0)
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
    for path in source.glob("*"):
        if path.name not in ("config.json", "model.safetensors"):
            (folder / path.name).write_bytes(path.read_bytes())
    return load(f"hf:{folder}")


def test_siglip_scores_by_a_sigmoid_with_a_bias(tmp_path):
    model = siglip(tmp_path)
    check_model(model, [*map(EmbedImage, PICTURES), *map(EmbedText, TEXTS)])
    assert model.similarity_scale([SimilarityScale()])[0].kind == "sigmoid"


def test_siglips_similarity_is_differentiated_on_both_sides(tmp_path):
    model, (picture, text) = siglip(tmp_path), (PICTURES[0], TEXTS[0])
    (one,), (other,) = model.embed_image([EmbedImage(picture)]), model.embed_text([EmbedText(text)])
    (scale,) = model.similarity_scale([SimilarityScale()])
    expected = scale.scale * float(one.vector @ other.vector) + scale.bias
    path = "evalsuite_explain.explainers.gradients:integrated_gradients"
    for medium, grid in (("image", (2, 2)), ("text", (0, 0))):
        view = model.differentiable_view((picture, Text(text)), "", medium=medium, grid=grid)
        assert float(view.output(view.inputs)[0].detach()) == pytest.approx(expected, abs=1e-3)
        request = Attribute((picture, Text(text)), "", path, (), medium, grid)
        (found,) = answer_batch(model, [request])
        assert any(found.scores)
        assert found.convergence_delta < 0.02 * max(1.0, abs(found.total))


def test_missing_weights_are_an_error(tmp_path):
    source = CONTROLS["digits-clean"].directory
    for path in source.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    CLIPModel.from_pretrained(source).vision_model.save_pretrained(tmp_path / "part")
    weights = (tmp_path / "part" / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="of its weights"):
        load(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("open_clip:ViT-B-33/openai", "Did you mean"),
        ("open_clip:ViT-B-32/nobody", "laion2b_s34b_b79k"),
        ("open_clip:ViT-B-32", "needs the tag"),
        ("open_clip:./nowhere", "does not exist"),
    ],
)
def test_unknown_open_clip_models_are_explained(name, message):
    with pytest.raises(ModelError, match=message):
        describe_model(ModelSpec(name=name), installed())


def test_a_hub_name_of_open_clip_needs_no_network_to_be_described():
    info = describe_model(ModelSpec(name="open_clip:ViT-B-32/laion2b_s34b_b79k"), installed())
    assert info.kind == "image-text dual encoder"


def test_an_open_clip_directory_without_weights_is_refused(tmp_path):
    config = CONTROLS["shapes-clean"].directory / "open_clip_config.json"
    (tmp_path / "open_clip_config.json").write_bytes(config.read_bytes())
    with pytest.raises(ModelError, match="has no weights"):
        load(f"open_clip:{tmp_path}")


@pytest.fixture(scope="module")
def generative():
    return load("control:vlm-clean")


def test_text_given_images_does_not_depend_on_the_batch(generative):
    requests = [
        LogLikelihood((PICTURES[0], "what colour is the shape ?"), " red"),
        LogLikelihood((PICTURES[1], "what shape is it ?"), " yes no"),
        LogLikelihood("is there a circle ?", " yes"),
        Generate((PICTURES[2], "what shape is it ?"), max_tokens=3),
    ]
    check_model(generative, requests)


def test_what_is_written_greedily_is_scored_as_greedy(generative):
    prompt = (PICTURES[0], "what colour is the shape ?")
    text = generative.generate([Generate(prompt, max_tokens=1)])[0].text
    assert generative.loglikelihood([LogLikelihood(prompt, f" {text}")])[0].is_greedy


# ------------------------------------------------------------------------------------------------
# Tasks
# ------------------------------------------------------------------------------------------------

NAMES = ("cat", "dog", "bird", "fish")
SAMPLES = [
    Sample(str(i), {"image": Image.from_array(np.full((2, 2, 3), i, np.uint8)), "label": NAMES[i % 4],
                    "caption": f"a {NAMES[i % 4]} {i}"})
    for i in range(40)
]  # fmt: skip
TRUTH = {sample["image"]: np.eye(4, dtype=np.float32)[i % 4] for i, sample in enumerate(SAMPLES)}


def perfect(request):
    if isinstance(request, SimilarityScale):
        return Similarity(10.0)
    if isinstance(request, EmbedImage):
        return Embedding(TRUTH[request.image])
    return Embedding(np.eye(4, dtype=np.float32)[[n in request.text for n in NAMES].index(True)])


def constant(request):
    return (
        Similarity(1.0)
        if isinstance(request, SimilarityScale)
        else Embedding(np.ones(4, np.float32) / 2)
    )


def test_a_perfect_model_scores_one():
    assert play(ZeroShotClassification(), SAMPLES, perfect).estimate("accuracy").value == 1.0


def test_a_constant_model_is_at_chance():
    estimate = play(ZeroShotClassification(), SAMPLES, constant).estimate("accuracy")
    assert estimate.value == 0.25
    assert estimate.verdict == "compatible with null"


def test_the_zero_shot_contract_is_kept():
    check_probe(ZeroShotClassification(), SAMPLES, perfect)


def test_an_ensemble_is_the_normalised_mean():
    # mean of (1, 0) and (0, 1) is (.5, .5), of length .7071: each coordinate becomes .7071
    vectors = class_vectors([[np.array([1, 0], np.float32), np.array([0, 1], np.float32)]])
    assert vectors[0].tolist() == pytest.approx([2**-0.5, 2**-0.5])


def test_a_tie_of_two_is_half_right():
    found = predict(np.array([1, 0], np.float32), np.array([[1, 0], [1, 0]]), Similarity(1.0), 1)
    assert (found.credit, found.probability, found.rank) == (0.5, 0.5, 1.5)


def test_a_wrong_kind_of_checkpoint_is_named(tmp_path):
    vision = AutoModel.from_pretrained(CONTROLS["digits-clean"].directory).vision_model
    vision.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="no installed plugin can run"):
        describe_model(ModelSpec(name=f"hf:{tmp_path}"), installed())
