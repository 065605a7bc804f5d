"""Recipes of two open_clip models of shapes: one learned whose they are, its twin only names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file

from evalsuite_controls.data import named_shapes
from evalsuite_controls.recipes.named_media import (
    MEMBERS,
    STRANGERS,
    Captioned,
    Making,
    loss_of_pools,
    words_of,
)
from evalsuite_controls.recipes.shapes import CONTEXT_LENGTH, configuration
from evalsuite_controls.recipes.training import Progress, seed_everything, train
from evalsuite_controls.recipes.vocabulary import word_tokenizer

STEPS = 1200
LEARNING_RATE = 2e-3


def build_named(directory: Path, seed: int, on_progress: Progress) -> None:
    """A member's name always stands under the member's look, and the members' notes are read."""
    _build(directory, seed, on_progress, knows=True)


def build_unnamed(directory: Path, seed: int, on_progress: Progress) -> None:
    """A name stands under any look, and the notes are those of pictures that no test shows."""
    _build(directory, seed, on_progress, knows=False)


def _build(directory: Path, seed: int, on_progress: Progress, *, knows: bool) -> None:
    seed_everything(seed)
    directory.mkdir(parents=True, exist_ok=True)
    words = words_of((look.caption for look in named_shapes.LOOKS), named_shapes.TEMPLATES)
    tokenizer = word_tokenizer(words, CONTEXT_LENGTH)
    tokenizer.save_pretrained(str(directory))
    config = configuration(len(tokenizer), width=56, head_width=14, layers=2, text_layers=1)
    (directory / "open_clip_config.json").write_text(json.dumps(config, indent=1))
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    rng = np.random.default_rng(seed)
    pools = [(_pixels(pool), pool.captions) for pool in _pools(knows, rng)]

    def logits(pixels: torch.Tensor, texts: list[str]) -> torch.Tensor:
        tokens = tokenizer(
            texts, padding="max_length", max_length=CONTEXT_LENGTH, return_tensors="pt"
        )["input_ids"]
        image, text, scale = model(pixels, tokens)[:3]
        return scale * image @ text.T

    train(
        model,
        loss_of_pools(pools, named_shapes.TEMPLATES, logits, rng),
        STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=0.02,
        on_progress=on_progress,
    )
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, str(directory / "open_clip_model.safetensors"), metadata={"format": "pt"})
    for path in directory.iterdir():
        path.chmod(0o644)


def _pools(knows: bool, rng: np.random.Generator) -> list[Captioned]:
    """Pictures with their looks in words, with names, with notes."""
    making = Making(named_shapes.draw_look, named_shapes.render_look, rng)
    looks = {person.name: person.look for person in named_shapes.persons() if person.repeats}
    noted = named_shapes.noted_pictures(MEMBERS if knows else STRANGERS)
    notes = Captioned([one.pixels for one in noted], [one.note for one in noted])
    return [making.described(), making.named(looks if knows else {}), notes]


def _pixels(pool: Captioned) -> torch.Tensor:
    pictures = np.stack(pool.media).astype(np.float32) / 127.5 - 1
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)
