"""CLIP and SigLIP through transformers: unit vectors of images and texts in one space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import evalsuite
from evalsuite import (
    Attribute,
    DifferentiableView,
    Embedding,
    EmbedImage,
    EmbedText,
    LoadSettings,
    ModelInfo,
    Request,
    Similarity,
    SimilarityScale,
)
from evalsuite.content import Content
from evalsuite_transformers.checkpoint import Checkpoint, fingerprint
from evalsuite_transformers.dual_encoder import DualEncoderKind
from evalsuite_transformers.lengths import batches_by_length, distinct
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.vectors import unit_rows
from evalsuite_vision.models.gradients import similarity_view

IMAGE_INPUTS = ("pixel_values", "pixel_attention_mask", "spatial_shapes")
KIND = DualEncoderKind("image")


class Loader:
    """The loader behind ``hf/image-text-dual-encoder:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return KIND.describe(reference, settings)

    def load(self, reference: str, settings: LoadSettings) -> ImageTextDualEncoder:
        """Load weights and processor."""
        model: ImageTextDualEncoder = KIND.load(reference, settings, ImageTextDualEncoder)
        return model


class ImageTextDualEncoder(TorchModel):
    """A CLIPModel, SiglipModel or a relative with the same two feature methods."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, processor: Any) -> None:
        """Find out how this family pads texts and scales similarities."""
        self.processor = processor
        self.is_sigmoid = hasattr(module, "logit_bias")
        text_config = checkpoint.config.text_config
        self.max_text_length = int(text_config.max_position_embeddings)
        vision = checkpoint.config.vision_config
        size = getattr(vision, "image_size", None)  # SigLIP 2 says how many patches instead
        grid = (size // vision.patch_size) ** 2 if size else getattr(vision, "num_patches", 256)
        self.patches = max(1, int(grid))
        info = KIND.info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            details={
                "class": type(module).__name__,
                "image processor": type(processor.image_processor).__name__,
                "longest text": f"{self.max_text_length} tokens",
            },
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            type(processor.image_processor).__name__,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def cost(self, request: Request) -> int:
        """Patches of an image, tokens of a text (estimated from its characters)."""
        if isinstance(request, EmbedImage | Attribute):
            return self.patches
        if isinstance(request, EmbedText):
            return min(self.max_text_length, 2 + len(request.text) // 3)
        return 1

    def embed_image(self, requests: Sequence[EmbedImage]) -> list[Embedding]:
        """Unit vectors of images, as the checkpoint's own processor prepares them.

        SigLIP 2 keeps the proportions of an image: its processor gives patches, their mask and
        their grid beside the pixels.
        """
        pictures = [request.image.load() for request in requests]
        prepared = self.processor(images=pictures, return_tensors="pt").to(self.device, self.dtype)
        inputs = {name: prepared[name] for name in IMAGE_INPUTS if name in prepared}
        with torch.inference_mode():
            features = self.module.get_image_features(**inputs)
        return unit_rows(features)

    def embed_text(self, requests: Sequence[EmbedText]) -> list[Embedding]:
        """Unit vectors of texts, cut at the longest the model takes, in batches of like length."""
        encoded = self._ids([request.text for request in requests])
        firsts, which = distinct(encoded["input_ids"])
        lengths = encoded["attention_mask"][firsts].sum(-1)
        answers: dict[int, Embedding] = {}
        for rows in batches_by_length(lengths, self.device):
            inputs = self._ids([requests[firsts[i]].text for i in rows.tolist()]).to(self.device)
            names = ("input_ids",) if self.is_sigmoid else ("input_ids", "attention_mask")
            with torch.inference_mode():
                features = self.module.get_text_features(**{name: inputs[name] for name in names})
            answers |= dict(zip(rows.tolist(), unit_rows(features), strict=True))
        return [answers[place] for place in which]

    def _ids(self, texts: Sequence[str]) -> Any:
        """Token ids; SigLIP was trained on texts padded to full length and without a mask."""
        return self.processor.tokenizer(
            list(texts),
            padding="max_length" if self.is_sigmoid else True,
            max_length=self.max_text_length,
            truncation=True,
            return_attention_mask=True,
            return_tensors="pt",
        )

    def similarity_scale(self, requests: Sequence[SimilarityScale]) -> list[Similarity]:
        """The learned temperature, and for SigLIP the bias of its sigmoid."""
        bias = float(self.module.logit_bias.detach()) if self.is_sigmoid else 0.0
        scale = float(self.module.logit_scale.detach().float().exp())
        similarity = Similarity(scale, bias, "sigmoid" if self.is_sigmoid else "softmax")
        return [similarity] * len(requests)

    def differentiable_view(
        self,
        content: Content,
        target: str,
        *,
        medium: str = "text",
        grid: tuple[int, int] = (0, 0),
        against: tuple[tuple[str, ...], ...] = (),
    ) -> DifferentiableView:
        """One side of a picture and a text; the output is their scaled similarity."""
        return similarity_view(self, content, target, medium, grid, against)
