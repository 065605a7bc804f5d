"""Text classifiers: label probabilities and gradients."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

import evalsuite
from evalsuite import (
    Attribute,
    Classification,
    Classify,
    DifferentiableView,
    LoadSettings,
    ModelError,
    ModelInfo,
    Request,
)
from evalsuite.content import Content, text_of
from evalsuite_text.models.causal import context_length
from evalsuite_text.models.gradients import label_view
from evalsuite_text.models.pooled_logits import PooledLogits
from evalsuite_text.models.token_batches import batches, mask_of, right_padded, token_budget
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.labels import label_names, label_probabilities
from evalsuite_transformers.torch_model import TorchModel, count_parameters

METHODS = frozenset({"classify", "differentiate"})
# What the position that a head reads is looked for with.
TRIAL = ("a few words in a row", "and some more words than those before")


class Loader:
    """The loader behind ``hf/text-classifier:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return _info(reference, _open(reference, settings))

    def load(self, reference: str, settings: LoadSettings) -> TextClassifier:
        """Load weights and tokenizer."""
        checkpoint = _open(reference, settings)
        module = load_weights(AutoModelForSequenceClassification, checkpoint)
        return TextClassifier(reference, checkpoint, module, load_tokenizer(checkpoint))


def _open(reference: str, settings: LoadSettings) -> Checkpoint:
    """Read the configuration; refuse heads whose outputs are no distribution over labels."""
    checkpoint = open_checkpoint(reference, settings)
    checkpoint.refuse_unknown_options()
    problem = getattr(checkpoint.config, "problem_type", None)
    if problem in ("regression", "multi_label_classification"):
        raise ModelError(
            f"Model {reference!r} has a head for {problem.replace('_', ' ')}: its outputs are no "
            "probabilities of labels that exclude one another. Use a checkpoint that was trained "
            "for single-label classification."
        )
    return checkpoint


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    details = {"labels": ", ".join(label_names(checkpoint.config)), **facts.pop("details", {})}
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
        self.labels = label_names(checkpoint.config)
        limit = min(context_length(checkpoint.config, tokenizer), _positions(module))
        self.max_length = min(limit, int(min(tokenizer.model_max_length, 10**9)))
        # A tokenizer may write inputs that the model does not take (token types, for a Llama).
        taken = set(inspect.signature(module.forward).parameters)
        self.accepted = tuple(
            name for name in ("input_ids", "attention_mask", "token_type_ids") if name in taken
        )
        if module.config.pad_token_id is None:  # decoders look for the last token before padding
            module.config.pad_token_id = tokenizer.pad_token_id
        details = {
            "class": type(module).__name__,
            "context length": str(self.max_length),
            "dtype": str(module.dtype).removeprefix("torch."),
        }
        n_parameters = count_parameters(module)
        info = _info(reference, checkpoint, n_parameters=n_parameters, details=details)
        version = evalsuite.__version__
        mark = fingerprint(checkpoint.reference, checkpoint.revision, module.dtype, version=version)
        super().__init__(info, mark, module)
        trial = self._encoded(TRIAL)
        self._pooled: Any = PooledLogits(module, self._inputs(trial, range(1 + self._can_pad)))

    def close(self) -> None:
        """Drop the weights, which the logits' reader holds as well."""
        self._pooled = None
        super().close()

    def cost(self, request: Request) -> int:
        """Tokens, estimated from the characters."""
        text = text_of(request.content) if isinstance(request, Classify | Attribute) else ""
        return min(self.max_length, 2 + len(text) // 3)

    def batches(
        self, requests: Sequence[Request], budget: int
    ) -> Iterator[Sequence[Request]] | None:
        """Many short texts at once: ``classify`` sorts them and reads as many as are fast."""
        if not isinstance(requests[0], Classify):
            return None
        lengths = [self.cost(request) for request in requests]
        return ([requests[i] for i in batch] for batch in batches(lengths, budget))

    def classify(self, requests: Sequence[Classify]) -> list[Classification]:
        """Softmax (of a single logit: sigmoid) in float32; long texts are cut at the end.

        What was cut is counted in ``truncated_tokens``.
        """
        texts = [text_of(request.content) for request in requests]
        encoded = self._encoded(texts)
        lengths = [len(ids) for ids in encoded["input_ids"]]
        logits: dict[int, torch.Tensor] = {}
        budget = token_budget(self.device) if self._can_pad else 1
        with torch.inference_mode():
            for batch in batches(lengths, budget):
                found = self._pooled(self._inputs(encoded, batch)).cpu()
                logits.update(zip(batch, found, strict=True))
        rows = label_probabilities(torch.stack([logits[i] for i in range(len(texts))])).tolist()
        return [
            Classification(self.labels, tuple(row), cut)
            for row, cut in zip(rows, self._cut(texts, lengths), strict=True)
        ]

    @property
    def _can_pad(self) -> bool:
        return self.tokenizer.pad_token_id is not None

    def _encoded(self, texts: Sequence[str]) -> Mapping[str, list[list[int]]]:
        """What the tokenizer writes for each text, not longer than the model reads."""
        encoded: Mapping[str, list[list[int]]] = self.tokenizer(
            list(texts), truncation=True, max_length=self.max_length
        )
        return encoded

    def _inputs(
        self, encoded: Mapping[str, list[list[int]]], batch: Sequence[int]
    ) -> dict[str, torch.Tensor]:
        """What the model takes [rows, longest]; padding is on the right, where no position shifts.

        A text without tokens is read as one of padding, so that it is the same in every batch.
        """
        ids = [encoded["input_ids"][i] for i in batch]
        if self._can_pad:
            ids = [row or [self.tokenizer.pad_token_id] for row in ids]
        made = {
            "input_ids": right_padded(ids, self.tokenizer.pad_token_id or 0, self.device),
            "attention_mask": mask_of([len(row) for row in ids], self.device),
        }
        if "token_type_ids" in encoded:
            kinds = [encoded["token_type_ids"][i] for i in batch]
            fill = self.tokenizer.pad_token_type_id
            made["token_type_ids"] = right_padded(kinds, fill, self.device)
        return {name: made[name] for name in self.accepted if name in made}

    def _cut(self, texts: Sequence[str], lengths: Sequence[int]) -> list[int]:
        """How many tokens of each text are beyond what the model reads."""
        full = [text for text, n in zip(texts, lengths, strict=True) if n >= self.max_length]
        whole = iter(self.tokenizer(full, verbose=False)["input_ids"] if full else ())
        return [len(next(whole)) - self.max_length if n >= self.max_length else 0 for n in lengths]

    def differentiable_view(
        self, content: Content, target: str, *, against: tuple[tuple[str, ...], ...] = ()
    ) -> DifferentiableView:
        """The token embeddings; the output is the target label's logit or log-odds."""
        return label_view(
            self.module,
            self.tokenizer,
            text_of(content),
            self._index(target),
            self.max_length,
            self.accepted,
            [self._index(label) for (label,) in against],
        )

    def _index(self, label: str) -> int:
        if label not in self.labels:
            raise ValueError(f"no label {label!r}; the labels are {', '.join(self.labels)}")
        return self.labels.index(label)


def _positions(module: torch.nn.Module) -> int:
    """Positions that can be told apart; the RoBERTa family starts after its padding position."""
    for name, part in module.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, torch.nn.Embedding):
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            return part.num_embeddings - first
    return 10**9
