"""What both sides are asked: a real architecture with random weights, pictures, names, vectors.

Imported by both environments, so it needs nothing but numpy, Pillow, torch and open_clip.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

ARCHITECTURE = "ViT-B-32"
N_CLASSES, N_PICTURES, PIXELS, BATCH = 10, 192, 256, 32
TEMPLATES = (
    "a photo of a {c}.",
    "a blurry photo of the {c}.",
    "a drawing of a {c} on a white wall.",
    "the {c} in the evening light.",
    "itap of my {c}.",
)
IMAGES, CAPTIONS_EACH, WIDTH = 2_000, 5, 64


def class_names(n: int) -> list[str]:
    """Distinct pronounceable names."""
    rng = np.random.default_rng(3)
    names: dict[str, None] = {}
    while len(names) < n:
        syllables = rng.choice([c + v for c in "bdfgklmnprst" for v in "aeiou"], 3)
        names["".join(syllables)] = None
    return list(names)


def prepare(folder: Path) -> None:
    """Weights, and pictures in one folder for each class; written once."""
    if (folder / "ready").exists():
        return
    torch.manual_seed(0)
    module = open_clip.create_model(ARCHITECTURE)
    torch.save(module.state_dict(), folder / "weights.pt")
    rng = np.random.default_rng(0)
    for index, name in enumerate(class_names(N_CLASSES)):
        (folder / "pictures" / name).mkdir(parents=True, exist_ok=True)
        for number in range(index, N_PICTURES, N_CLASSES):
            coarse = rng.integers(256, size=(8, 8, 3)).astype(np.uint8)
            picture = Image.fromarray(coarse).resize((PIXELS, PIXELS), Image.Resampling.BICUBIC)
            picture.save(folder / "pictures" / name / f"{number:04d}.png")
    (folder / "ready").write_text("")


def vectors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors of images and captions, and the image of each caption; loosely related."""
    rng = np.random.default_rng(1)
    images = rng.normal(size=(IMAGES, WIDTH))
    owner = np.repeat(np.arange(IMAGES), CAPTIONS_EACH)
    captions = images[owner] + 1.6 * rng.normal(size=(IMAGES * CAPTIONS_EACH, WIDTH))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, captions)]
    return unit[0].astype(np.float32), unit[1].astype(np.float32), owner


def told(document: dict[str, object]) -> None:
    """The one line that the other process reads."""
    print(json.dumps(document), flush=True)
