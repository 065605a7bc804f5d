"""Small open_clip models of 32-pixel pictures of shapes, from their words to their files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file

from evalsuite_controls.data.shapes import SIDE
from evalsuite_controls.recipes.vocabulary import END_ID, word_tokenizer

CONTEXT_LENGTH = 12


@dataclass(frozen=True)
class Size:
    """How large the picture's tower is, and how many layers the text's has."""

    width: int
    head_width: int
    layers: int
    text_layers: int


class OpenClip:
    """An open_clip CLIP of random weights in a directory of its own.

    Attributes:
        module: The model.
        tokenizer: Of the words given.
        directory: Where it lies.
    """

    def __init__(self, directory: Path, words: Iterable[str], size: Size) -> None:
        """Make the model; the global generator of torch draws its weights."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.tokenizer = word_tokenizer(words, CONTEXT_LENGTH)
        self.tokenizer.save_pretrained(str(directory))
        config = _configuration(len(self.tokenizer), size)
        (directory / "open_clip_config.json").write_text(json.dumps(config, indent=1))
        self.module = open_clip.create_model(f"local-dir:{directory}", load_weights=False)

    def inputs(self, pictures: Sequence[np.ndarray]) -> torch.Tensor:
        """Pixels (pictures, 3, 32, 32) in [-1, 1] of pictures (32, 32, 3) of uint8."""
        pixels = np.stack(pictures).astype(np.float32) / 127.5 - 1
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)

    def similarities(self, pixels: torch.Tensor, texts: list[str]) -> torch.Tensor:
        """Scaled similarities of pictures and texts, (pictures, texts)."""
        tokens = self.tokenizer(
            texts, padding="max_length", max_length=CONTEXT_LENGTH, return_tensors="pt"
        )["input_ids"]
        image, text, scale = self.module(pixels, tokens)[:3]
        similarities: torch.Tensor = scale * image @ text.T
        return similarities

    def save(self) -> None:
        """Write the weights as float16 safetensors."""
        state = self.module.state_dict()
        weights = {name: tensor.half().contiguous() for name, tensor in state.items()}
        path = self.directory / "open_clip_model.safetensors"
        save_file(weights, str(path), metadata={"format": "pt"})
        for file in self.directory.iterdir():
            file.chmod(0o644)


def _configuration(vocabulary_size: int, size: Size) -> dict[str, object]:
    """open_clip's description of the architecture and of the pictures it takes."""
    return {
        "model_cfg": {
            "embed_dim": 64,
            "vision_cfg": {
                "image_size": SIDE,
                "layers": size.layers,
                "width": size.width,
                "head_width": size.head_width,
                "patch_size": 8,
            },
            "text_cfg": {
                "context_length": CONTEXT_LENGTH,
                "vocab_size": vocabulary_size,
                "width": 64,
                "heads": 4,
                "layers": size.text_layers,
                "hf_tokenizer_name": "words",
                "pool_type": "eos",
                "eos_id": END_ID,
                "tokenizer_kwargs": {"clean": "whitespace"},
            },
        },
        "preprocess_cfg": {
            "size": [SIDE, SIDE],
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
            "interpolation": "bicubic",
            "resize_mode": "squash",
        },
    }
