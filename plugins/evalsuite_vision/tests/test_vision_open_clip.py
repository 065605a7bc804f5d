"""open_clip: trimmed text towers read as full ones, and CoCa writes without the library's generate."""

from __future__ import annotations

import json

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from evalsuite import EmbedImage, EmbedText, Failure, Generate, Image, LoadSettings, LogLikelihood
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

RNG = np.random.default_rng(1)
PICTURES = [Image.from_array(RNG.integers(0, 255, (h, 40, 3), np.uint8)) for h in (32, 40)]
TEXTS = [
    "a dog", "a photo of a large red bus that stands in front of an old house", "",
    "two cats", "the third one of the four small birds", "zero " * 90,
]  # fmt: skip
VISION = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16}
TEXT = {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def saved(folder, **config) -> str:
    """A tiny model with random weights, in the layout that `local-dir:` reads."""
    config = {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT, **config}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {"size": 32}})
    )
    name = f"tiny-{folder.name}"
    (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / f"{name}.json")
    torch.manual_seed(3)
    module = open_clip.create_model(name)
    with torch.no_grad():
        for weight in module.parameters():
            noise = 0.2 * torch.randn_like(weight)
            # sharper than an initialisation; and open_clip leaves CoCa's last projection as the
            # memory happened to be
            weight.copy_(noise if weight.ndim > 1 else weight + noise)
    save_file(dict(module.state_dict()), folder / "open_clip_model.safetensors")
    (folder / f"{name}.json").unlink()
    return str(folder)


def load(reference: str):
    loader, name = loader_for(f"open_clip:{reference}", installed())
    return loader.load(name, LoadSettings(device="cpu", dtype="float32"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return load(saved(tmp_path_factory.mktemp("clip")))


@pytest.fixture(scope="module")
def coca(tmp_path_factory):
    multimodal = {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    text = {**TEXT, "embed_cls": True, "output_tokens": True, "context_length": 24}
    vision = {**VISION, "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True}
    folder = tmp_path_factory.mktemp("coca")
    return load(
        saved(
            folder,
            embed_dim=32,
            multimodal_cfg=multimodal,
            text_cfg=text,
            vision_cfg=vision,
            custom_text=True,
        )
    )


def test_a_trimmed_tower_gives_the_vectors_of_the_full_one(clip):
    assert clip.is_trimmed
    trimmed = np.stack([e.vector for e in clip.embed_text([EmbedText(t) for t in TEXTS])])
    with torch.inference_mode():
        full = clip.module.encode_text(clip.tokenizer(TEXTS), normalize=True).numpy()
    assert np.abs(trimmed - full).max() < 1e-6


def test_texts_of_any_length_do_not_depend_on_their_company(clip):
    check_model(clip, [*map(EmbedText, TEXTS), *map(EmbedImage, PICTURES)], tolerance=1e-5)


def test_a_tower_with_a_class_token_is_read_in_full(coca):
    """CoCa's class token stands at the end of the context, wherever the text ends."""
    assert not coca.is_trimmed
    assert coca.info.details["text tower"] == "full context"


def plain_logits(coca, image: Image, ids: list[int]) -> torch.Tensor:
    """By the library's own forward pass."""
    pixels = coca.transform(image.load())[None]
    with torch.inference_mode():
        return coca.module(pixels, torch.tensor([ids]), output_labels=False)["logits"][0]


def test_captions_are_those_of_a_plain_greedy_loop(coca):
    for picture in PICTURES:
        ids = [coca.tokenizer.sot_token_id]
        for _ in range(6):
            ids.append(int(plain_logits(coca, picture, ids)[-1].argmax()))
        (answer,) = coca.generate([Generate((picture,), max_tokens=6)])
        assert answer.n_tokens == 6 or coca.end_id in ids
        assert answer.text == coca.tokenizer.decode(ids[1:]).strip()


def test_scores_are_those_of_a_plain_forward_pass(coca):
    request = LogLikelihood((PICTURES[0], "a photo of"), " two dogs")
    whole = coca.tokenizer(["a photo of two dogs"])[0].tolist()[:6]  # start and five words
    logp = plain_logits(coca, PICTURES[0], whole).log_softmax(-1)
    expected = float(logp[3, whole[4]] + logp[4, whole[5]])
    (answer,) = coca.loglikelihood([request])
    assert answer.total == pytest.approx(expected, abs=1e-5)
    assert answer.n_tokens == 2


def test_what_is_written_greedily_is_scored_as_greedy(coca):
    ids = [coca.tokenizer.sot_token_id]
    logp = plain_logits(coca, PICTURES[1], ids).log_softmax(-1)
    (answer,) = coca.generate([Generate((PICTURES[1],), max_tokens=1)])
    (score,) = coca.loglikelihood([LogLikelihood((PICTURES[1],), answer.text)])
    if coca.tokenizer.encode(answer.text) == [int(logp[-1].argmax())]:  # a broken word is not
        assert score.is_greedy


def test_coca_keeps_the_contract(coca):
    check_model(
        coca,
        [
            *(LogLikelihood((p, "a photo of"), " a cat") for p in PICTURES),
            *(Generate((p, "a"), max_tokens=4) for p in PICTURES),
            *(Generate((p,), max_tokens=4, temperature=1.0, seed=5) for p in PICTURES),
            *map(EmbedImage, PICTURES),
            *map(EmbedText, TEXTS),
        ],
    )


def test_prompts_without_one_image_fail(coca):
    for prompt in (("no picture",), (PICTURES[0], PICTURES[1], "two")):
        (answer,) = coca.generate([Generate(prompt)])
        assert isinstance(answer, Failure)
        assert answer.kind == "one image"


def test_a_text_that_does_not_fit_fails(coca):
    (answer,) = coca.loglikelihood([LogLikelihood((PICTURES[0], "zero " * 22), " zero zero")])
    assert answer.kind == "prompt too long"
    (answer,) = coca.generate([Generate((PICTURES[0], "zero " * 30))])
    assert answer.kind == "prompt too long"
