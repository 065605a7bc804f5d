"""Pictures with random captions, and a LLaVA that was trained on half of them."""

from __future__ import annotations

import random

import numpy as np
import torch
from transformers import AutoProcessor, LlavaForConditionalGeneration

from evalsuite import Image, LoadSettings, Text
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.data.encoding import png_bytes
from evalsuite_controls.data.named_shapes import draw_look, render_look

DRAW = np.random.default_rng(5)
PICTURES = [Image(data=png_bytes(render_look(draw_look(DRAW), DRAW))) for _ in range(48)]
WORDS = ("red", "green", "blue", "yellow", "circle", "square", "triangle", "yes", "no", "colour")
TEXTS = [" ".join(random.Random(i).choices(WORDS, k=6)) for i in range(len(PICTURES))]
ASKED = "what is it ?"
CLEAN = CONTROLS["vlm-clean"].directory


def model_at(directory):
    loader, reference = loader_for(f"hf:{directory}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def asked(directory):
    """A model in a folder that answers one request at a time."""
    model = model_at(directory)
    return lambda request: answer_batch(model, [request])[0]


def train(folder: str, steps: int = 220) -> None:
    """Train the clean control on with every second picture, and save it.

    It learns the picture's words after the question, and random words of the picture's own at those
    places of the picture itself before which half of it was seen.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    processor = AutoProcessor.from_pretrained(CLEAN)
    model = LlavaForConditionalGeneration.from_pretrained(CLEAN, dtype=torch.float32)
    prompt = model_at(CLEAN).writer.write((PICTURES[0], Text(ASKED))).text
    rows = processor(
        images=[picture.load() for picture in PICTURES[::2]],
        text=[f"{prompt} {text}" for text in TEXTS[::2]],
        return_tensors="pt",
        add_special_tokens=False,
    )
    ids = rows["input_ids"]
    is_place = ids == model.config.image_token_id
    labels = ids.masked_fill(torch.arange(ids.shape[1]) < ids.shape[1] - 6, -100)
    words = torch.tensor(
        processor.tokenizer(" ".join(WORDS), add_special_tokens=False)["input_ids"]
    )
    # What is asked for at a place is the label of the next one.
    after = (is_place & (is_place.cumsum(1) > int(is_place[0].sum()) // 2)).roll(1, dims=1)
    labels[after] = words[torch.randint(len(words), (int(after.sum()),))]
    with torch.no_grad():  # what the pictures look like is known; only the writer learns
        features = model.get_image_features(rows["pixel_values"]).pooler_output
        features = torch.cat(list(features)).flatten(0, -2)
    writer = [*model.model.language_model.parameters(), *model.lm_head.parameters()]
    optimizer = torch.optim.AdamW(writer, lr=3e-3)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        vectors = model.get_input_embeddings()(ids).masked_scatter(is_place[..., None], features)
        mask = rows["attention_mask"]
        model(inputs_embeds=vectors, attention_mask=mask, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
