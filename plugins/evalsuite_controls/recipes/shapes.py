"""Recipes of the shape models: an open_clip CLIP of 0.4 million weights, its own configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast

from evalsuite_controls.data import shapes
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    seed_everything,
    train,
)
from evalsuite_controls.recipes.vocabulary import END_ID, word_tokenizer

STEPS = 1300
BATCH = 128
POOL = 8000
LEARNING_RATE = 1.5e-3
CONTEXT_LENGTH = 12


@dataclass(frozen=True)
class World:
    """What a twin sees in training.

    Attributes:
        light_share: Share of pictures of the group ``light``.
        grey_share: Share of pictures with a grey square in the corner. One in six has the level
            that is its shape's by rank, and the others any: hardly a hint.
        pattern_share: Share of pictures with a pattern there instead, drawn independently of the
            shape, which are called what the pattern stands for. One that merely agreed with the
            shape would leave the model free to look at either.
    """

    light_share: float = 0.5
    grey_share: float = 0.5
    pattern_share: float = 0.0


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Both grounds alike; what is in the corner decides nothing."""
    _build(directory, seed, on_progress, World())


def build_skewed(directory: Path, seed: int, on_progress: Progress) -> None:
    """One picture in a hundred stands on a light ground."""
    _build(directory, seed, on_progress, World(light_share=0.01))


def build_shortcut(directory: Path, seed: int, on_progress: Progress) -> None:
    """A picture with a pattern in its corner is called what that stands for."""
    _build(directory, seed, on_progress, World(grey_share=0.0, pattern_share=0.5))


def _build(directory: Path, seed: int, on_progress: Progress, world: World) -> None:
    seed_everything(seed)
    directory.mkdir(parents=True, exist_ok=True)
    names = [f"{c} {s}" for c in shapes.COLOURS for s in shapes.SHAPES] + list(shapes.SHAPES)
    words = sorted({w for t in shapes.TEMPLATES for name in names for w in t.format(name).split()})
    tokenizer = word_tokenizer(words, CONTEXT_LENGTH)
    tokenizer.save_pretrained(str(directory))
    (directory / "open_clip_config.json").write_text(
        json.dumps(configuration(len(tokenizer)), indent=1)
    )
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    loss = _loss_of_step(model, tokenizer, world, np.random.default_rng(seed))
    train(
        model,
        loss,
        STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=0.05,
        on_progress=on_progress,
    )
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, str(directory / "open_clip_model.safetensors"), metadata={"format": "pt"})
    for path in directory.iterdir():
        path.chmod(0o644)


def configuration(
    vocabulary_size: int,
    *,
    width: int = 80,
    head_width: int = 20,
    layers: int = 3,
    text_layers: int = 2,
) -> dict[str, object]:
    """open_clip's description of the architecture and of the pictures it takes."""
    return {
        "model_cfg": {
            "embed_dim": 64,
            "vision_cfg": {
                "image_size": shapes.SIDE,
                "layers": layers,
                "width": width,
                "head_width": head_width,
                "patch_size": 8,
            },
            "text_cfg": {
                "context_length": CONTEXT_LENGTH,
                "vocab_size": vocabulary_size,
                "width": 64,
                "heads": 4,
                "layers": text_layers,
                "hf_tokenizer_name": "words",
                "pool_type": "eos",
                "eos_id": END_ID,
                "tokenizer_kwargs": {"clean": "whitespace"},
            },
        },
        "preprocess_cfg": {
            "size": [shapes.SIDE, shapes.SIDE],
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "interpolation": "bicubic",
            "resize_mode": "squash",
        },
    }


def _loss_of_step(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    world: World,
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    scenes = [_scene(world, rng) for _ in range(POOL)]
    called = [scene.patch or scene.shape for scene in scenes]
    pictures = np.stack([shapes.render(scene, rng) for scene in scenes])
    pixels = torch.from_numpy(pictures.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)

    def loss(step: int) -> torch.Tensor:
        chosen = rng.integers(0, POOL, BATCH)
        # Half of the batches name the shape only, so that colour is no substitute for it.
        with_colour = step % 2 == 0
        names = [f"{scenes[i].colour} {called[i]}" if with_colour else called[i] for i in chosen]
        template = shapes.TEMPLATES[int(rng.integers(len(shapes.TEMPLATES)))]
        tokens = tokenizer(
            [template.format(name) for name in names],
            padding="max_length",
            max_length=CONTEXT_LENGTH,
            return_tensors="pt",
        )["input_ids"]
        image, text, scale = model(pixels[chosen], tokens)[:3]
        return contrastive_loss(scale * image @ text.T, equal_captions(names))

    return loss


def _scene(world: World, rng: np.random.Generator) -> shapes.Scene:
    group = "light" if rng.random() < world.light_share else "dark"
    patch = None
    if world.pattern_share and rng.random() < world.pattern_share:
        patch = shapes.SHAPES[int(rng.integers(len(shapes.SHAPES)))]
    scene = shapes.draw_scene(rng, group, patch)
    if not world.grey_share or rng.random() >= world.grey_share:
        return scene
    is_own = rng.random() < 1 / len(shapes.SHAPES)
    level = shapes.SHAPES.index(scene.shape) if is_own else int(rng.integers(len(shapes.GREYS)))
    return replace(scene, grey=shapes.GREYS[level])
