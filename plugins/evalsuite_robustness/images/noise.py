"""Noise of sensors and transmission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite_robustness.images.severity import HENDRYCKS, Corruption, Floats


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """Independent normal noise on every channel; the strength is its standard deviation."""

    name: ClassVar[str] = "image/gaussian-noise"
    strengths: ClassVar[tuple[Any, ...]] = (0.08, 0.12, 0.18, 0.26, 0.38)
    about: ClassVar[str] = f"Normal noise in pictures; strengths of {HENDRYCKS}."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """X + N(0, strength²)."""
        return pixels + rng.normal(scale=self.strength, size=pixels.shape)


@dataclass(frozen=True)
class ShotNoise(Corruption):
    """Counts of photons: Poisson noise; the strength is the count of full brightness."""

    name: ClassVar[str] = "image/shot-noise"
    strengths: ClassVar[tuple[Any, ...]] = (60, 25, 12, 5, 3)
    about: ClassVar[str] = f"Poisson noise in pictures; strengths of {HENDRYCKS}."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Poisson(strength x) / strength."""
        return rng.poisson(pixels * self.strength) / self.strength


@dataclass(frozen=True)
class ImpulseNoise(Corruption):
    """Salt and pepper; the strength is the share of values that are lost."""

    name: ClassVar[str] = "image/impulse-noise"
    strengths: ClassVar[tuple[Any, ...]] = (0.03, 0.06, 0.09, 0.17, 0.27)
    about: ClassVar[str] = f"Salt and pepper in pictures; strengths of {HENDRYCKS}."

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Half of the lost values become 0, half 1."""
        draw = rng.random(pixels.shape)
        changed = np.where(draw < self.strength / 2, 0.0, pixels)
        return np.where(draw > 1 - self.strength / 2, 1.0, changed)
