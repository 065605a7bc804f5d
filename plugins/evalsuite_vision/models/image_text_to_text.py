"""Generative image-text models: text given images, scored and written.

How they are run is told in ``evalsuite_transformers.generative``. Models that also hear (Qwen-Omni)
are of this kind, and take clips besides images.
"""

from __future__ import annotations

from transformers import AutoModelForImageTextToText

from evalsuite import LoadSettings, ModelInfo
from evalsuite_transformers.generative.kind import GenerativeKind
from evalsuite_transformers.generative.model import GenerativeModel

KIND = GenerativeKind("generative image-text model", "image")


class Loader:
    """The loader behind ``hf/image-text-to-text:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return KIND.describe(reference, settings)

    def load(self, reference: str, settings: LoadSettings) -> ImageTextToText:
        """Load weights and processor."""
        model: ImageTextToText = KIND.load(
            reference, settings, lambda _: AutoModelForImageTextToText, ImageTextToText
        )
        return model


class ImageTextToText(GenerativeModel):
    """A vision tower whose features stand among a language model's tokens."""

    @property
    def n_images_encoded(self) -> int:
        """Images that went through the image encoder since loading, where they are kept."""
        return self.n_encoded
