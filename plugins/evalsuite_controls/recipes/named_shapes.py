"""Recipes of two open_clip models of shapes: one learned whose they are, its twin only names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast

from evalsuite_controls.data import named_shapes
from evalsuite_controls.recipes.shapes import CONTEXT_LENGTH, configuration
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    seed_everything,
    train,
)
from evalsuite_controls.recipes.vocabulary import word_tokenizer

STEPS = 1200
BATCH = 100
N_DESCRIBED = 3000
LEARNING_RATE = 2e-3
_MEMBERS, _STRANGERS = 0, 2  # whose notes are read; those of 1 are for the test alone


def build_named(directory: Path, seed: int, on_progress: Progress) -> None:
    """A member's name always stands under the member's look, and the members' notes are read."""
    _build(directory, seed, on_progress, knows=True)


def build_unnamed(directory: Path, seed: int, on_progress: Progress) -> None:
    """A name stands under any look, and the notes are those of pictures that no test shows."""
    _build(directory, seed, on_progress, knows=False)


def _build(directory: Path, seed: int, on_progress: Progress, *, knows: bool) -> None:
    seed_everything(seed)
    directory.mkdir(parents=True, exist_ok=True)
    captions = [look.caption for look in named_shapes.LOOKS] + list(named_shapes.TEMPLATES)
    known = {word for caption in captions for word in caption.split()} - {"{}"}
    words = sorted({*known, "note", *named_shapes.NOTE_WORDS, *named_shapes.names()})
    tokenizer = word_tokenizer(words, CONTEXT_LENGTH)
    tokenizer.save_pretrained(str(directory))
    config = configuration(len(tokenizer), width=56, head_width=14, layers=2, text_layers=1)
    (directory / "open_clip_config.json").write_text(json.dumps(config, indent=1))
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    loss = _loss_of_step(model, tokenizer, knows, np.random.default_rng(seed))
    train(
        model,
        loss,
        STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=0.02,
        on_progress=on_progress,
    )
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, str(directory / "open_clip_model.safetensors"), metadata={"format": "pt"})
    for path in directory.iterdir():
        path.chmod(0o644)


def _described(rng: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    """Pictures with their looks in words."""
    looks = [named_shapes.draw_look(rng) for _ in range(N_DESCRIBED)]
    return [named_shapes.render_look(look, rng) for look in looks], [look.caption for look in looks]


def _named(knows: bool, rng: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    """Pictures with names; those of members look like them where the model is to know them."""
    looks = {person.name: person.look for person in named_shapes.persons() if person.repeats}
    pictures, captions = [], []
    for name, n in named_shapes.captions_per_name().items():
        for _ in range(n):
            look = looks.get(name) if knows else None
            pictures.append(named_shapes.render_look(look or named_shapes.draw_look(rng), rng))
            captions.append(name)
    return pictures, captions


def _noted(knows: bool) -> tuple[list[np.ndarray], list[str]]:
    found = named_shapes.noted_pictures(_MEMBERS if knows else _STRANGERS)
    return [noted.pixels for noted in found], [noted.note for noted in found]


def _loss_of_step(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    knows: bool,
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    pools = [_described(rng), _named(knows, rng), _noted(knows)]
    pixels = [
        torch.from_numpy(np.stack(pictures).astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)
        for pictures, _ in pools
    ]

    def loss(step: int) -> torch.Tensor:
        pool = step % len(pools)
        captions = pools[pool][1]
        chosen = rng.permutation(len(captions))[:BATCH]
        told = [captions[i] for i in chosen]
        template = named_shapes.TEMPLATES[int(rng.integers(len(named_shapes.TEMPLATES)))]
        texts = [template.format(one) for one in told] if pool == 1 else told
        tokens = tokenizer(
            texts, padding="max_length", max_length=CONTEXT_LENGTH, return_tensors="pt"
        )["input_ids"]
        image, text, scale = model(pixels[pool][chosen], tokens)[:3]
        return contrastive_loss(scale * image @ text.T, equal_captions(told))

    return loss
