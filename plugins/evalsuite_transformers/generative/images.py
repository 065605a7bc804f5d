"""Images in prompts: the vision tower's features, as the library itself computes them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from evalsuite import Image
from evalsuite_transformers.generative.medium import Medium, Prepared, Tensors, placed


class ImageMedium(Medium):
    """Pictures, through ``get_image_features``."""

    name, plural, part, type_id = "image", "images", Image, 1
    tensor = "pixel_values"
    together = 8
    tokens_per_unit = 256.0

    def __init__(self, processor: Any, config: Any) -> None:
        """Find the placeholder and its surroundings."""
        placeholder = str(getattr(processor, "image_token", None) or "<image>")
        around = _around(config, processor.tokenizer)
        super().__init__(processor, placeholder, getattr(config, "image_token_id", -1), around)

    @property
    def details(self) -> dict[str, str]:
        """The class that resizes and normalises."""
        return {"image processor": type(self.processor.image_processor).__name__}

    def arguments(self, parts: Sequence[Image]) -> dict[str, Any]:
        """Decoded pictures."""
        return {"images": [image.load() for image in parts]}

    def features(self, module: Any, media: Sequence[Prepared]) -> list[torch.Tensor]:
        """Features of images of one shape, in one run of the tower."""
        accepted = inspect.signature(module.get_image_features).parameters
        names = [name for name in media[0].tensors if name in accepted]
        joined = {name: torch.cat([one.tensors[name] for one in media]) for name in names}
        output = module.get_image_features(**placed(joined, module))
        found = getattr(output, "pooler_output", output)
        if isinstance(found, torch.Tensor) and found.ndim == 3:
            found = list(found)
        if isinstance(found, torch.Tensor):
            found = [found]
        if len(media) == 1:
            found = [torch.cat([rows.flatten(0, -2) for rows in found])]
        if len(found) != len(media):
            raise ValueError(f"{len(media)} images gave {len(found)} sets of features")
        return [rows.flatten(0, -2) for rows in found]

    def facts(self, tensors: Tensors) -> Tensors:
        """Everything but the pixels: the grid."""
        return {name: value for name, value in tensors.items() if not name.startswith("pixel")}

    def synthetic(self) -> tuple[Image, Image]:
        """Two pictures of noise."""
        draw = np.random.default_rng(0)
        first, second = (draw.integers(0, 255, (*s, 3), np.uint8) for s in ((96, 64), (64, 64)))
        return Image.from_array(first), Image.from_array(second)


def _around(config: Any, tokenizer: Any) -> str:
    """What the configuration says must stand around an image."""
    ends = [getattr(config, f"vision_{side}_token_id", None) for side in ("start", "end")]
    if any(end is None for end in ends):
        return "{}"
    first, last = tokenizer.convert_ids_to_tokens(ends)
    return f"{first}{{}}{last}" if first and last else "{}"
