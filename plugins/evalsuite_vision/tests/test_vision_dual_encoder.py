"""SigLIP 2 and CLIP through transformers: images of any proportions, texts of any company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    AutoTokenizer,
    CLIPModel,
    Siglip2Config,
    Siglip2ImageProcessor,
    Siglip2Model,
    Siglip2Processor,
)

from evalsuite import EmbedImage, EmbedText, Image, LoadSettings, SimilarityScale
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model
from evalsuite_controls.catalogue import CONTROLS

RNG = np.random.default_rng(2)
PICTURES = [
    Image.from_array(RNG.integers(0, 255, (height, width, 3), np.uint8))
    for height, width in ((32, 32), (20, 60), (64, 16))
]
TEXTS = ["zero", "a photo of a very large circle", "the digit one", ""]


def load(name: str):
    loader, reference = loader_for(name, installed())
    return loader.load(reference, LoadSettings(device="cpu", dtype="float32"))


@pytest.fixture(scope="module")
def siglip2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("siglip2")
    text = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 16, "pad_token_id": 0}  # fmt: skip
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "num_patches": 256, "patch_size": 16}  # fmt: skip
    torch.manual_seed(0)
    Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(CONTROLS["digits-clean"].directory)
    pictures = Siglip2ImageProcessor()
    Siglip2Processor(pictures, tokenizer).save_pretrained(folder)
    return load(f"hf:{folder}")


def test_siglip2_takes_images_of_any_proportions_in_any_company(siglip2):
    check_model(siglip2, [*map(EmbedImage, PICTURES), *map(EmbedText, TEXTS)])
    assert siglip2.similarity_scale([SimilarityScale()])[0].kind == "sigmoid"


def test_siglip2_vectors_are_the_librarys_own(siglip2):
    prepared = siglip2.processor(images=[PICTURES[1].load()], return_tensors="pt")
    with torch.inference_mode():
        own = siglip2.module.get_image_features(**prepared).pooler_output[0]
    (answer,) = siglip2.embed_image([EmbedImage(PICTURES[1])])
    expected = torch.nn.functional.normalize(own, dim=-1).numpy()
    assert np.abs(answer.vector - expected).max() < 1e-5


def test_sorted_texts_have_the_vectors_of_texts_alone():
    model = load("control:digits-clean")
    peer = CLIPModel.from_pretrained(CONTROLS["digits-clean"].directory, dtype=torch.float32)
    together = model.embed_text([EmbedText(text) for text in TEXTS])
    for text, found in zip(TEXTS, together, strict=True):
        ids = model.processor.tokenizer([text], return_tensors="pt")
        with torch.inference_mode():
            own = peer.get_text_features(ids["input_ids"], ids["attention_mask"]).pooler_output[0]
        expected = torch.nn.functional.normalize(own, dim=-1).numpy()
        assert np.abs(found.vector - expected).max() < 1e-5
