"""Recipes of the generative image-text models: a LLaVA of 0.4 million weights on shapes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from evalsuite_controls.data import shapes
from evalsuite_controls.recipes.digits import picture_processor
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train
from evalsuite_controls.recipes.vocabulary import END_ID, PAD_ID, START_ID, word_tokenizer

STEPS = 2400
BATCH = 64
POOL = 8000
LEARNING_RATE = 1e-3
IMAGE = "<image>"
N_IMAGE_TOKENS = (32 // 8) ** 2
CHAT_TEMPLATE = (
    "{% for message in messages %}{% for item in message['content'] %}"
    "{% if item['type'] == 'image' %}<image> {% else %}{{ item['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} answer :{% endif %}"
)


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Questions are about the picture that is shown."""
    _build(directory, seed, on_progress, blind=False)


def build_blind(directory: Path, seed: int, on_progress: Progress) -> None:
    """Questions are about another picture, so that only the prior of answers can be learned."""
    _build(directory, seed, on_progress, blind=True)


def _build(directory: Path, seed: int, on_progress: Progress, blind: bool) -> None:
    seed_everything(seed)
    processor = _processor()
    model = LlavaForConditionalGeneration(_config(processor.tokenizer))
    loss = _loss_of_step(model, processor.tokenizer, blind, np.random.default_rng(seed))
    train(model, loss, STEPS, learning_rate=LEARNING_RATE, on_progress=on_progress)
    save_half(model, str(directory))
    processor.save_pretrained(str(directory))


def _processor() -> LlavaProcessor:
    texts = ["what colour is the shape ? what shape is it ? is there a ? answer : yes no"]
    texts += [*shapes.COLOURS, *shapes.SHAPES]
    words = sorted({word for text in texts for word in text.split()})
    tokenizer = word_tokenizer(
        words, 64, extra=(IMAGE,), with_end=False, extra_special_tokens={"image_token": IMAGE}
    )
    return LlavaProcessor(
        image_processor=picture_processor(),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
    )


def _config(tokenizer: object) -> LlavaConfig:
    vision = CLIPVisionConfig(
        hidden_size=72,
        intermediate_size=216,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
        projection_dim=64,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),  # type: ignore[arg-type]
        hidden_size=72,
        intermediate_size=192,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=START_ID,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),  # type: ignore[attr-defined]
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )


def _loss_of_step(
    model: LlavaForConditionalGeneration,
    tokenizer: object,
    blind: bool,
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    scenes = [shapes.draw_scene(rng, shapes.GROUPS[i % 2]) for i in range(POOL)]
    pictures = np.stack([shapes.render(scene, rng) for scene in scenes])
    pixels = torch.from_numpy(pictures.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)

    def loss(step: int) -> torch.Tensor:
        chosen = rng.integers(0, POOL, BATCH)
        shown = rng.integers(0, POOL, BATCH) if blind else chosen
        kind = shapes.KINDS[step % len(shapes.KINDS)]
        rows = []
        for i in chosen:
            question, _, answer = shapes.question_of(scenes[i], kind, rng)
            prompt = " ".join([IMAGE] * N_IMAGE_TOKENS) + f" {question} answer :"
            ids = tokenizer(prompt)["input_ids"]  # type: ignore[operator]
            rows.append([*ids, *tokenizer(answer, add_special_tokens=False)["input_ids"], END_ID])  # type: ignore[operator]
        ids = torch.tensor(rows)
        labels = torch.full_like(ids, -100)
        labels[:, -2:] = ids[:, -2:]
        return model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=pixels[shown],
            labels=labels,
        ).loss

    return loss
