"""Real handwritten digits (scikit-learn's copy of the UCI test set) as 32-pixel pictures.

Two renderings make two groups: ``light`` ink on a dark ground, and ``dark`` ink on a light one. A
coloured patch in the lower right corner can stand for a digit, whatever the digit is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import numpy as np

from evalsuite_controls.data.encoding import png_bytes

LABELS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEMPLATES = ("a photo of the number {}", "a handwritten {}", "the digit {}", "a photo of a {}")
GROUPS = ("light", "dark")
SIDE = 32
N_TRAIN = 1300
PATCH_SIDE = 6
PATCH_BOX = (SIDE - PATCH_SIDE, SIDE - PATCH_SIDE, SIDE, SIDE)
PATCH_COLOURS = (
    (230, 40, 40), (40, 200, 60), (50, 80, 240), (240, 220, 40), (160, 50, 200),
    (250, 140, 30), (40, 210, 220), (240, 120, 190), (130, 80, 40), (150, 150, 150),
)  # fmt: skip

Split = Literal["train", "test"]


@cache
def _pixels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ink in [0, 1], shape [1797, 8, 8], labels [1797], and a fixed order [1797]."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return data.images / 16.0, data.target, order


@cache
def upsampled(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Ink of one split at 32 pixels, shape [n, 32, 32], and labels [n]."""
    from PIL import Image

    ink, labels, order = _pixels()
    chosen = order[:N_TRAIN] if split == "train" else order[N_TRAIN:]
    pictures = [
        np.asarray(
            Image.fromarray((image * 255).astype(np.uint8)).resize(
                (SIDE, SIDE), Image.Resampling.BILINEAR
            )
        )
        for image in ink[chosen]
    ]
    return np.stack(pictures) / 255.0, labels[chosen]


def render(ink: np.ndarray, group: str, patch: int | None = None) -> np.ndarray:
    """A picture [32, 32, 3] of uint8; ``patch`` is the digit that the corner stands for."""
    grey = 0.1 + 0.8 * ink if group == "light" else 0.9 - 0.8 * ink
    pixels = np.repeat((grey * 255).astype(np.uint8)[..., None], 3, axis=2)
    if patch is not None:
        left, top, right, bottom = PATCH_BOX
        pixels[top:bottom, left:right] = PATCH_COLOURS[patch]
    return pixels


def digit_rows(
    n: int | None = None, patch: bool = False, seed: int = 0
) -> Iterator[dict[str, object]]:
    """The 497 test digits, the group drawn independently of the digit.

    With ``patch``, every picture has one that stands for another digit than it shows.
    """
    rng = np.random.default_rng(seed)
    ink, labels = upsampled("test")
    for number in range(len(labels) if n is None else min(n, len(labels))):
        label, group = int(labels[number]), GROUPS[int(rng.integers(2))]
        other = (label + int(rng.integers(1, 10))) % 10
        row: dict[str, object] = {
            "id": str(number),
            "image": png_bytes(render(ink[number], group, other if patch else None)),
            "label": LABELS[label],
            "caption": f"a handwritten {LABELS[label]}",
            "group": group,
        }
        if patch:
            row |= {"patch_label": LABELS[other], "patch_box": list(PATCH_BOX)}
        yield row
