"""What position and things in the way do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from evalsuite_robustness.images.severity import Corruption, Floats


def sampled(pixels: Floats, rows: Floats, columns: Floats) -> Floats:
    """Each channel read at places [height, width], the border repeated outwards."""
    channels = [
        map_coordinates(pixels[:, :, c], [rows, columns], order=1, mode="nearest") for c in range(3)
    ]
    return np.stack(channels, axis=-1)


def _grid(pixels: Floats) -> tuple[Floats, Floats, float, float]:
    """Places of all pixels, and the middle."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(float)
    return rows, columns, (height - 1) / 2, (width - 1) / 2


@dataclass(frozen=True)
class Rotation(Corruption):
    """A tilted camera; the strength is the angle in degrees, to a drawn side."""

    name: ClassVar[str] = "image/rotation"
    strengths: ClassVar[tuple[Any, ...]] = (8, 15, 25, 40, 60)
    about: ClassVar[str] = "Pictures turned to the left or to the right; strengths are our own."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Turn about the middle."""
        angle = np.deg2rad(self.strength) * rng.choice([-1, 1])
        rows, columns, middle_row, middle_column = _grid(pixels)
        down, right = rows - middle_row, columns - middle_column
        return sampled(
            pixels,
            middle_row + np.cos(angle) * down - np.sin(angle) * right,
            middle_column + np.sin(angle) * down + np.cos(angle) * right,
        )


@dataclass(frozen=True)
class Shift(Corruption):
    """An object out of the middle; the strength is the way as a share of the side."""

    name: ClassVar[str] = "image/shift"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.15, 0.2, 0.3)
    about: ClassVar[str] = "Pictures moved in a drawn direction; strengths are our own."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Move, the border repeated."""
        angle = rng.uniform(0, 2 * np.pi)
        rows, columns, _, _ = _grid(pixels)
        way = self.strength * min(pixels.shape[:2])
        return sampled(pixels, rows + way * np.sin(angle), columns + way * np.cos(angle))


@dataclass(frozen=True)
class Elastic(Corruption):
    """A rubber sheet; the strength is the largest displacement as a share of the side."""

    name: ClassVar[str] = "image/elastic"
    strengths: ClassVar[tuple[Any, ...]] = (0.02, 0.035, 0.05, 0.07, 0.1)
    about: ClassVar[str] = "Smooth random distortion (Simard et al. 2003); strengths are our own."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Read every pixel at a smoothly displaced place."""
        rows, columns, _, _ = _grid(pixels)
        side = min(pixels.shape[:2])
        fields = [gaussian_filter(rng.uniform(-1, 1, rows.shape), side / 16) for _ in range(2)]
        largest = max(float(np.abs(f).max()) for f in fields)
        scale = self.strength * side / largest if largest > 0 else 0.0
        return sampled(pixels, rows + scale * fields[0], columns + scale * fields[1])


@dataclass(frozen=True)
class Occlusion(Corruption):
    """Something in the way: a grey square; the strength is its share of the picture's area."""

    name: ClassVar[str] = "image/occlusion"
    strengths: ClassVar[tuple[Any, ...]] = (0.05, 0.1, 0.2, 0.3, 0.45)
    about: ClassVar[str] = "A grey square at a drawn place; strengths are our own."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Cover a rectangle of the picture's own proportions."""
        height, width = pixels.shape[:2]
        tall = max(1, round(height * self.strength**0.5))
        wide = max(1, round(width * self.strength**0.5))
        top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
        covered = pixels.copy()
        covered[top : top + tall, left : left + wide] = 0.5
        return covered
