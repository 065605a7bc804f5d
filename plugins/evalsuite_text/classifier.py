"""Text classifiers: label probabilities and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

import evalsuite
from evalsuite import (
    Classification,
    Classify,
    DifferentiableView,
    LoadSettings,
    ModelInfo,
    Request,
)
from evalsuite.content import Content, text_of
from evalsuite_text.causal import context_length
from evalsuite_text.gradients import label_view
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters

METHODS = frozenset({"classify", "differentiate"})


class Loader:
    """The loader behind ``hf/text-classifier:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> TextClassifier:
        """Load weights and tokenizer."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        module = load_weights(AutoModelForSequenceClassification, checkpoint)
        return TextClassifier(reference, checkpoint, module, load_tokenizer(checkpoint))


def _labels(config: Any) -> tuple[str, ...]:
    """Label names in order; a single logit means two labels."""
    names = tuple(str(config.id2label[i]) for i in sorted(config.id2label))
    return names if len(names) > 1 else (f"not {names[0]}", names[0])


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    details = {"labels": ", ".join(_labels(checkpoint.config)), **facts.pop("details", {})}
    return ModelInfo(
        name=f"hf:{reference}",
        kind="text classifier",
        modalities=frozenset({"text"}),
        methods=METHODS,
        revision=checkpoint.revision,
        details=details,
        **facts,
    )


class TextClassifier(TorchModel):
    """A transformer with a classification head."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, tokenizer: Any) -> None:
        """Take the labels and the context length from the configuration."""
        self.tokenizer = tokenizer
        self.labels = _labels(checkpoint.config)
        limit = context_length(checkpoint.config, tokenizer)
        self.max_length = min(limit, int(min(tokenizer.model_max_length, 10**9)))
        info = _info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            details={"class": type(module).__name__, "context length": str(self.max_length)},
        )
        version = evalsuite.__version__
        mark = fingerprint(checkpoint.reference, checkpoint.revision, module.dtype, version=version)
        super().__init__(info, mark, module)

    def cost(self, request: Request) -> int:
        """Tokens, estimated from the characters."""
        text = text_of(request.content) if isinstance(request, Classify) else ""
        return min(self.max_length, 2 + len(text) // 3)

    def classify(self, requests: Sequence[Classify]) -> list[Classification]:
        """Softmax (of a single logit: sigmoid) in float32; long texts are cut at the end."""
        inputs = self.tokenizer(
            [text_of(request.content) for request in requests],
            padding=True,
            truncation=True,
            max_length=self.max_length,
            return_tensors="pt",
        ).to(self.device)
        with torch.inference_mode():
            logits = self.module(**inputs).logits.float()
        if logits.shape[-1] == 1:
            logits = torch.cat([torch.zeros_like(logits), logits], dim=-1)
        return [
            Classification(self.labels, tuple(row)) for row in logits.softmax(-1).cpu().tolist()
        ]

    def differentiable_view(self, content: Content, target: str) -> DifferentiableView:
        """The token embeddings; the output is the target label's logit."""
        if target not in self.labels:
            raise ValueError(f"no label {target!r}; the labels are {', '.join(self.labels)}")
        index = self.labels.index(target)
        return label_view(self.module, self.tokenizer, text_of(content), index, self.max_length)
