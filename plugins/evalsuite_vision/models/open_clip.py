"""open_clip models: by architecture and tag, by local directory, or by hub name.

open_clip:ViT-B-32/laion2b_s34b_b79k
open_clip:local-dir:./my-model           (or simply open_clip:./my-model)
open_clip:hf-hub:owner/name
"""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import torch

import evalsuite
from evalsuite import (
    Attribute,
    DifferentiableView,
    Embedding,
    EmbedImage,
    EmbedText,
    LoadSettings,
    ModelError,
    ModelInfo,
    Request,
    Similarity,
    SimilarityScale,
    UsageError,
)
from evalsuite.content import Content
from evalsuite_transformers.allocator import keep_freed_memory
from evalsuite_transformers.device import apply_settings, resolve_device, resolve_dtype
from evalsuite_transformers.lengths import batches_by_length, distinct
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.vectors import unit_rows
from evalsuite_vision.models.open_clip_gradients import similarity_view
from evalsuite_vision.models.text_tower import (
    ends_of,
    is_trimmable,
    text_tower,
    trimmed,
)

METHODS = frozenset({"embed_text", "embed_image", "similarity_scale", "differentiate"})
# More at once leave a CPU's caches and are slower.
CPU_IMAGES = 32
_SCHEMAS = ("local-dir:", "hf-hub:")


class Loader:
    """The loader behind ``open_clip:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """Check the name, the tag or the directory; read no weights."""
        if settings.options:
            names = ", ".join(map(repr, settings.options))
            raise UsageError(f"open_clip models have no options (got {names}).")
        architecture, tag = split_reference(reference)
        if architecture.startswith("local-dir:"):
            _check_directory(Path(architecture.removeprefix("local-dir:")))
        elif not architecture.startswith(_SCHEMAS):
            _check_names(architecture, tag)
        return ModelInfo(
            name=f"open_clip:{reference}",
            kind="image-text dual encoder",
            modalities=frozenset({"image", "text"}),
            methods=METHODS,
        )

    def load(self, reference: str, settings: LoadSettings) -> OpenClipModel:
        """Load weights, transform and tokenizer; raises ModelError when weights are missing."""
        info = self.describe(reference, settings)
        architecture, tag = split_reference(reference)
        device = resolve_device(settings)
        logging.getLogger().setLevel(logging.ERROR)  # open_clip logs to the root logger
        try:
            module, transform = open_clip.create_model_from_pretrained(
                architecture, pretrained=tag, device=device, return_transform=True
            )
            tokenizer = open_clip.get_tokenizer(architecture)
        except (RuntimeError, OSError, ValueError, AssertionError) as error:
            first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"The open_clip model {reference!r} could not be loaded: {first_line}"
            ) from error
        module = module.eval().to(resolve_dtype(settings, device))
        apply_settings(settings, count_parameters(module))
        if device.type == "cpu":
            keep_freed_memory()
        if hasattr(module, "text_decoder"):
            from evalsuite_vision.models.coca import COCA_METHODS, CocaModel

            info = replace(info, methods=COCA_METHODS, kind="dual encoder that writes captions")
            return CocaModel(info, module, transform, tokenizer)
        return OpenClipModel(info, module, transform, tokenizer)


def split_reference(reference: str) -> tuple[str, str | None]:
    """``ViT-B-32/tag`` -> (architecture, tag); a directory -> (``local-dir:DIR``, None)."""
    if reference.startswith(_SCHEMAS):
        return reference, None
    if reference.startswith((".", "/", "~")) or Path(reference).is_dir():
        return f"local-dir:{Path(reference).expanduser()}", None
    architecture, slash, tag = reference.partition("/")
    return architecture, tag if slash else None


def _check_directory(directory: Path) -> None:
    if not directory.is_dir():
        raise ModelError(f"Model directory {str(directory)!r} does not exist.")
    path = directory / "open_clip_config.json"
    if not path.is_file():
        raise ModelError(
            f"Model directory {str(directory)!r} has no open_clip_config.json, which names the "
            "architecture."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if "model_cfg" not in config:
        raise ModelError(f"{path} has no key 'model_cfg'.")
    if not any(directory.glob("open_clip_*.safetensors")) and not any(directory.glob("*.bin")):
        raise ModelError(
            f"Model directory {str(directory)!r} has no weights (open_clip_model.safetensors)."
        )


def _check_names(architecture: str, tag: str | None) -> None:
    known = open_clip.list_models()
    if architecture not in known:
        close = difflib.get_close_matches(architecture, known, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ModelError(
            f"open_clip knows no architecture {architecture!r} ({len(known)} are known).{hint}"
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if tag is None or (tag not in tags and not Path(tag).is_file()):
        raise ModelError(
            f"open_clip:{architecture}/TAG needs the tag of its weights; {architecture} has: "
            f"{', '.join(tags) or 'none'} (got {tag!r}). A path of a weights file works too."
        )


class OpenClipModel(TorchModel):
    """A CLIP of the open_clip library."""

    def __init__(self, info: ModelInfo, module: Any, transform: Any, tokenizer: Any) -> None:
        """Fingerprint the weights themselves: a tag names no commit."""
        self.transform = transform
        self.tokenizer = tokenizer
        self.is_trimmed = is_trimmable(module, tokenizer)
        facts = {
            "class": type(module).__name__,
            "tokenizer": type(tokenizer).__name__,
            "text tower": "trimmed to the longest text" if self.is_trimmed else "full context",
        }
        info = ModelInfo(
            name=info.name,
            kind=info.kind,
            modalities=info.modalities,
            methods=info.methods,
            n_parameters=count_parameters(module),
            details=facts,
        )
        super().__init__(info, _fingerprint(module, transform, tokenizer), module)

    def cost(self, request: Request) -> int:
        """Tokens of a text (estimated where it is trimmed), patches of an image."""
        if isinstance(request, EmbedText):
            longest = int(getattr(self.module, "context_length", 77))
            return min(longest, 3 + len(request.text) // 4) if self.is_trimmed else longest
        if isinstance(request, EmbedImage | Attribute):
            grid = getattr(self.module.visual, "grid_size", (7, 7))
            return int(grid[0] * grid[1])
        return 1

    def embed_image(self, requests: Sequence[EmbedImage]) -> list[Embedding]:
        """Unit vectors of images, through the model's own transform."""
        size = CPU_IMAGES if self.device.type == "cpu" else len(requests)
        answers: list[Embedding] = []
        for start in range(0, len(requests), size):
            pictures = [self.transform(r.image.load()) for r in requests[start : start + size]]
            pixels = torch.stack(pictures).to(self.device, self.dtype)
            with torch.inference_mode():
                answers += unit_rows(self.module.encode_image(pixels))
        return answers

    def embed_text(self, requests: Sequence[EmbedText]) -> list[Embedding]:
        """Unit vectors of texts, in batches of like length."""
        tokens = self.tokenizer([request.text for request in requests])
        firsts, which = distinct(tokens)
        tokens = tokens[firsts].to(self.device)
        tower = text_tower(self.module)
        lengths = ends_of(tower, tokens).cpu() + 1 if self.is_trimmed else _full(tokens)
        answers: dict[int, Embedding] = {}
        with torch.inference_mode():
            for rows in batches_by_length(lengths, self.device):
                part = tokens[rows.to(tokens.device)]
                encode = trimmed(tower, part) if self.is_trimmed else self.module.encode_text(part)
                answers |= dict(zip(rows.tolist(), unit_rows(encode), strict=True))
        return [answers[place] for place in which]

    def similarity_scale(self, requests: Sequence[SimilarityScale]) -> list[Similarity]:
        """The learned temperature, and the bias of models trained with a sigmoid."""
        bias = getattr(self.module, "logit_bias", None)
        similarity = Similarity(
            scale=float(self.module.logit_scale.detach().float().exp()),
            bias=0.0 if bias is None else float(bias.detach()),
            kind="softmax" if bias is None else "sigmoid",
        )
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


def _full(tokens: torch.Tensor) -> torch.Tensor:
    """Every row as long as the context."""
    return torch.full((len(tokens),), tokens.shape[1])


def _fingerprint(module: Any, transform: Any, tokenizer: Any) -> str:
    """Sha256 over weights, transform, tokenizer class and our version."""
    digest = hashlib.sha256(
        repr((str(transform), type(tokenizer).__name__, evalsuite.__version__)).encode()
    )
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
