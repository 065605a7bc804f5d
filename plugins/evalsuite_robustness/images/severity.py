"""What all image corruptions share: five severities, and lengths that fit the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite.variant import MediaVariant

Floats = npt.NDArray[np.float64]
REFERENCE_PIXELS = 224
HENDRYCKS = "Hendrycks and Dietterich 2019, arXiv:1903.12261"


@dataclass(frozen=True)
class Corruption(MediaVariant):
    """A picture changed more with each severity.

    Args:
        severity: 1 (mild) to 5.
    """

    severity: int = 3

    dial: ClassVar[str] = "severity"
    sweep: ClassVar[tuple[float, ...]] = (1, 2, 3, 4, 5)
    strengths: ClassVar[tuple[Any, ...]]

    def __post_init__(self) -> None:
        """Refuse a severity that is none."""
        if self.severity not in (1, 2, 3, 4, 5):
            raise ValueError(f"severity must be 1, 2, 3, 4 or 5 (got {self.severity})")

    @property
    def strength(self) -> Any:
        """The strength at this severity."""
        return self.strengths[self.severity - 1]

    def picture(self, pixels: Any, rng: np.random.Generator) -> Any:
        """Apply to [height, width, 3] in [0, 1], and round to 8 bits."""
        changed = self.apply(np.asarray(pixels, dtype=np.float64) / 255, rng)
        return np.round(np.clip(changed, 0, 1) * 255).astype(np.uint8)

    def apply(self, pixels: Floats, rng: np.random.Generator) -> Floats:
        """Change pixels [height, width, 3] in [0, 1]; values outside are clipped."""
        raise TypeError(f"{type(self).__name__} does not implement apply()")


def scale_of(pixels: Floats) -> float:
    """How large the shorter side is, relative to the size that strengths are given for."""
    return min(pixels.shape[:2]) / REFERENCE_PIXELS
