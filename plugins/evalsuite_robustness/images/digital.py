"""What exposure, weather and compression do."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image as pillow  # noqa: N813
from scipy.ndimage import gaussian_filter

from evalsuite_robustness.images.severity import HENDRYCKS, Corruption, Floats


@dataclass(frozen=True)
class Contrast(Corruption):
    """Less contrast; the strength is the share that is left."""

    name: ClassVar[str] = "image/contrast"
    strengths: ClassVar[tuple[Any, ...]] = (0.4, 0.3, 0.2, 0.1, 0.05)
    about: ClassVar[str] = f"Pictures of low contrast; strengths of {HENDRYCKS}."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Distances from the mean colour, shrunk."""
        mean = pixels.mean(axis=(0, 1), keepdims=True)
        return np.asarray(mean + self.strength * (pixels - mean))


@dataclass(frozen=True)
class Brightness(Corruption):
    """Overexposure; the strength is what is added."""

    name: ClassVar[str] = "image/brightness"
    strengths: ClassVar[tuple[Any, ...]] = (0.1, 0.2, 0.3, 0.4, 0.5)
    about: ClassVar[str] = f"Overexposed pictures; strengths of {HENDRYCKS}, added to all channels."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """X + strength."""
        return pixels + self.strength


@dataclass(frozen=True)
class Fog(Corruption):
    """Smooth random clouds mixed in; the strength is their share at the thickest place."""

    name: ClassVar[str] = "image/fog"
    strengths: ClassVar[tuple[Any, ...]] = (0.4, 0.5, 0.6, 0.7, 0.8)
    about: ClassVar[str] = "Clouds of smoothed noise mixed into pictures; strengths are our own."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """(1 - f) x + f white, with f a cloud."""
        height, width = pixels.shape[:2]
        cloud = sum(
            weight * gaussian_filter(rng.normal(size=(height, width)), size, mode="wrap") * size
            for weight, size in ((1.0, min(height, width) / 6), (0.5, min(height, width) / 14))
        )
        spread = np.ptp(cloud)
        share = (cloud - np.min(cloud)) / spread if spread > 0 else np.ones((height, width))
        fog = self.strength * (0.5 + 0.5 * share[:, :, None])
        return np.asarray(pixels * (1 - fog) + fog)


@dataclass(frozen=True)
class Jpeg(Corruption):
    """JPEG compression; the strength is the quality."""

    name: ClassVar[str] = "image/jpeg"
    strengths: ClassVar[tuple[Any, ...]] = (25, 18, 15, 10, 7)
    about: ClassVar[str] = f"JPEG artefacts; strengths of {HENDRYCKS}."

    def picture(self, pixels: Any, rng: np.random.Generator) -> Any:
        """Write and read as JPEG."""
        buffer = io.BytesIO()
        pillow.fromarray(np.asarray(pixels)).save(buffer, format="JPEG", quality=self.strength)
        return np.asarray(pillow.open(buffer).convert("RGB"))


@dataclass(frozen=True)
class Pixelate(Corruption):
    """Fewer pixels; the strength is the share of the side that is left."""

    name: ClassVar[str] = "image/pixelate"
    strengths: ClassVar[tuple[Any, ...]] = (0.6, 0.5, 0.4, 0.3, 0.25)
    about: ClassVar[str] = f"Pictures of few pixels; strengths of {HENDRYCKS}."

    def picture(self, pixels: Any, rng: np.random.Generator) -> Any:
        """Shrink by averaging, enlarge by repeating."""
        picture = pillow.fromarray(np.asarray(pixels))
        small = [max(1, round(side * self.strength)) for side in picture.size]
        shrunk = picture.resize((small[0], small[1]), pillow.Resampling.BOX)
        return np.asarray(shrunk.resize(picture.size, pillow.Resampling.NEAREST))
