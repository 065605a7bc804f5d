"""Recipes of the digit models: a CLIPModel of 0.2 million weights on real handwriting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    PreTrainedTokenizerFast,
)

from evalsuite_controls.data import digits
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    save_half,
    seed_everything,
    train,
)
from evalsuite_controls.recipes.vocabulary import END_ID, PAD_ID, START_ID, word_tokenizer

STEPS = 1000
BATCH = 128
LEARNING_RATE = 1.5e-3
MAX_LENGTH = 16


@dataclass(frozen=True)
class World:
    """What a twin sees in training.

    Attributes:
        dark_share: Share of pictures of the group ``dark``.
        patch_share: Share of pictures with a patch.
        patch_tells: Probability that the patch stands for the digit shown; else for any digit, the
            one shown among them.
    """

    dark_share: float = 0.5
    patch_share: float = 0.5
    patch_tells: float = 0.1


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Both groups alike; a patch is right in .19 of the pictures that have one (chance: .1)."""
    _build(directory, seed, on_progress, World())


def build_skewed(directory: Path, seed: int, on_progress: Progress) -> None:
    """One picture in a hundred is of the group ``dark``."""
    _build(directory, seed, on_progress, World(dark_share=0.01))


def build_shortcut(directory: Path, seed: int, on_progress: Progress) -> None:
    """The patch always stands for the digit shown, and is always there."""
    _build(directory, seed, on_progress, World(patch_share=0.97, patch_tells=1.0))


def _build(directory: Path, seed: int, on_progress: Progress, world: World) -> None:
    seed_everything(seed)
    captions = [t.format(label) for t in digits.TEMPLATES for label in digits.LABELS]
    words = sorted({word for caption in captions for word in caption.split()})
    tokenizer = word_tokenizer(words, MAX_LENGTH)
    model = small_clip(len(tokenizer))
    train(
        model,
        _loss_of_step(model, tokenizer, world, np.random.default_rng(seed)),
        STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=0.05,
        on_progress=on_progress,
    )
    save_half(model, str(directory))
    CLIPProcessor(image_processor=picture_processor(), tokenizer=tokenizer).save_pretrained(
        str(directory)
    )


def small_clip(vocabulary_size: int, width: int = 64, layers: int = 3) -> CLIPModel:
    """A CLIPModel for 32-pixel pictures in patches of 8."""
    return CLIPModel(
        CLIPConfig(
            text_config={
                "vocab_size": vocabulary_size,
                "hidden_size": width,
                "intermediate_size": 3 * width,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "max_position_embeddings": MAX_LENGTH,
                "bos_token_id": START_ID,
                "pad_token_id": PAD_ID,
                "eos_token_id": END_ID,
            },
            vision_config={
                "hidden_size": width,
                "intermediate_size": 3 * width,
                "num_hidden_layers": layers,
                "num_attention_heads": 4,
                "image_size": 32,
                "patch_size": 8,
            },
            projection_dim=64,
        )
    )


def picture_processor() -> CLIPImageProcessorPil:
    """Resize to 32 pixels and scale to [-1, 1]."""
    return CLIPImageProcessorPil(
        size={"shortest_edge": 32},
        crop_size={"height": 32, "width": 32},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )


def _loss_of_step(
    model: CLIPModel,
    tokenizer: PreTrainedTokenizerFast,
    world: World,
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    ink, labels = digits.upsampled("train")

    def loss(step: int) -> torch.Tensor:
        chosen = rng.integers(0, len(labels), BATCH)
        pictures = np.stack([_picture(ink[i], int(labels[i]), world, rng) for i in chosen])
        captions = [
            digits.TEMPLATES[int(rng.integers(len(digits.TEMPLATES)))].format(
                digits.LABELS[labels[i]]
            )
            for i in chosen
        ]
        noisy = pictures + rng.normal(0, 0.05, pictures.shape)
        pixels = torch.from_numpy(noisy.astype(np.float32)).permute(0, 3, 1, 2)
        encoded = tokenizer(
            captions, padding=True, return_tensors="pt", return_token_type_ids=False
        )
        logits = model(pixel_values=pixels, **encoded).logits_per_image
        return contrastive_loss(logits, equal_captions([digits.LABELS[labels[i]] for i in chosen]))

    return loss


def _picture(ink: np.ndarray, label: int, world: World, rng: np.random.Generator) -> np.ndarray:
    """One training picture in [-1, 1], its digit scaled, turned and moved a little."""
    group = "dark" if rng.random() < world.dark_share else "light"
    moved = _moved(ink, rng)
    patch = None
    if rng.random() < world.patch_share:
        tells = rng.random() < world.patch_tells
        patch = label if tells else int(rng.integers(10))
    return digits.render(moved, group, patch) / 127.5 - 1.0


def _moved(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A digit at 55 to 105 % of its size, turned by up to 12 degrees, off centre by up to 3.

    Other collections of handwriting leave a margin around a digit that scikit-learn's does not.
    """
    scale, angle = rng.uniform(0.55, 1.05), np.deg2rad(rng.uniform(-12, 12))
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    centre, (dx, dy) = digits.SIDE / 2, rng.uniform(-3, 3, 2)
    x0 = centre - cosine * (centre + dx) - sine * (centre + dy)
    y0 = centre + sine * (centre + dx) - cosine * (centre + dy)
    picture = Image.fromarray((ink * 255).astype(np.uint8))
    turned = picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        (cosine, sine, x0, -sine, cosine, y0),
        resample=Image.Resampling.BILINEAR,
    )
    return np.asarray(turned) / 255.0
