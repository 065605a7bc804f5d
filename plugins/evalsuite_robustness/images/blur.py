"""Blur of lenses and movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import zoom
from scipy.signal import fftconvolve

from evalsuite_robustness.images.severity import HENDRYCKS, Corruption, Floats, scale_of


def convolved(pixels: Floats, kernel: Floats) -> Floats:
    """Each channel convolved with a kernel that sums to 1, the border repeated outwards."""
    before = [size // 2 for size in kernel.shape]
    after = [size - 1 - b for size, b in zip(kernel.shape, before)]
    padded = np.pad(pixels, [*zip(before, after), (0, 0)], mode="edge")
    return np.asarray(fftconvolve(padded, kernel[:, :, None], mode="valid", axes=(0, 1)))


def disc(radius: float) -> Floats:
    """A disc of a radius in pixels, its edge weighted by how much of a pixel it covers."""
    reach = int(np.ceil(radius))
    offsets = np.arange(-reach, reach + 1)
    distance = np.hypot(offsets[:, None], offsets[None, :])
    weights = np.clip(radius + 0.5 - distance, 0, 1)
    return np.asarray(weights / weights.sum())


def streak(length: float, angle: float) -> Floats:
    """A line of a length in pixels at an angle in radians, drawn on four times finer points."""
    reach = max(1, int(np.ceil(length / 2)))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    along = np.linspace(-length / 2, length / 2, 4 * kernel.shape[0] + 1)
    rows = np.round(reach + along * np.sin(angle)).astype(int)
    columns = np.round(reach + along * np.cos(angle)).astype(int)
    np.add.at(kernel, (rows, columns), 1.0)
    return np.asarray(kernel / kernel.sum())


@dataclass(frozen=True)
class DefocusBlur(Corruption):
    """A lens out of focus; the strength is the radius of a point's disc, in pixels of 224."""

    name: ClassVar[str] = "image/defocus-blur"
    strengths: ClassVar[tuple[Any, ...]] = (3, 4, 6, 8, 10)
    about: ClassVar[str] = f"Pictures out of focus; strengths of {HENDRYCKS}."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Convolution with a disc."""
        return convolved(pixels, disc(max(0.5, self.strength * scale_of(pixels))))


@dataclass(frozen=True)
class MotionBlur(Corruption):
    """A camera that moves; the strength is the way in pixels of 224, its direction is drawn."""

    name: ClassVar[str] = "image/motion-blur"
    strengths: ClassVar[tuple[Any, ...]] = (8, 12, 18, 26, 36)
    about: ClassVar[str] = f"A moving camera, as in {HENDRYCKS}, with straight paths of our own."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Convolution with a line."""
        length = max(1.5, self.strength * scale_of(pixels))
        return convolved(pixels, streak(length, rng.uniform(0, np.pi)))


@dataclass(frozen=True)
class ZoomBlur(Corruption):
    """A camera that moves towards the scene; the strength is how much larger the last view is."""

    name: ClassVar[str] = "image/zoom-blur"
    strengths: ClassVar[tuple[Any, ...]] = (1.11, 1.16, 1.21, 1.26, 1.31)
    about: ClassVar[str] = f"A camera that comes nearer, as in {HENDRYCKS}."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """The mean of views from 1 to the strength."""
        views = [_enlarged(pixels, factor) for factor in np.linspace(1, self.strength, 12)]
        return np.asarray(np.mean(views, axis=0))


def _enlarged(pixels: Floats, factor: float) -> Floats:
    """The middle of a picture enlarged to its whole size."""
    height, width = pixels.shape[:2]
    large = zoom(pixels, (factor, factor, 1), order=1, mode="nearest", grid_mode=True)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return np.asarray(large[top : top + height, left : left + width])
