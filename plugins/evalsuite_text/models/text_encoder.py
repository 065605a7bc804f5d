"""What the models that read a text in both directions share: inputs, limits, description."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

import evalsuite
from evalsuite import ModelError, ModelInfo, UsageError
from evalsuite_text.models.causal import context_length
from evalsuite_text.models.token_batches import mask_of, right_padded
from evalsuite_transformers.checkpoint import Checkpoint, fingerprint
from evalsuite_transformers.torch_model import TorchModel, count_parameters


def describe(
    reference: str, checkpoint: Checkpoint, kind: str, methods: frozenset[str], **facts: Any
) -> ModelInfo:
    """What is known of an encoder before its weights are read."""
    return ModelInfo(
        name=f"hf:{reference}",
        kind=kind,
        modalities=frozenset({"text"}),
        methods=methods,
        revision=checkpoint.revision,
        **facts,
    )


class TextEncoder(TorchModel):
    """A bidirectional transformer with some head.

    Attributes:
        tokenizer: Its tokenizer.
        max_length: The most tokens it reads at once, special tokens included.
    """

    kind: str
    methods: frozenset[str]

    def __init__(
        self,
        reference: str,
        checkpoint: Checkpoint,
        module: Any,
        tokenizer: Any,
        *,
        max_length: int | None = None,
        details: Mapping[str, str] = {},
        facts: Sequence[object] = (),
    ) -> None:
        """Find the limits; ``facts`` are options that change answers."""
        self.tokenizer = tokenizer
        limit = longest_input(checkpoint.config, tokenizer, module)
        self.max_length = min(limit, max_length or limit)
        pad = tokenizer.pad_token_id
        self.pad_id = int(pad if pad is not None else module.config.pad_token_id or 0)
        # A tokenizer may write inputs that the model does not take (token types, for RoBERTa).
        self.takes_types = "token_type_ids" in inspect.signature(module.forward).parameters
        described = {
            "class": type(module).__name__,
            "context length": str(self.max_length),
            "dtype": str(module.dtype).removeprefix("torch."),
            **details,
        }
        n_parameters = count_parameters(module)
        info = describe(
            reference,
            checkpoint,
            self.kind,
            self.methods,
            n_parameters=n_parameters,
            details=described,
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            self.max_length,
            *facts,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def inputs(
        self, rows: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None = None
    ) -> dict[str, torch.Tensor]:
        """Right-padded inputs [rows, longest]; ``types`` are the segments of each token."""
        found = {
            "input_ids": right_padded(rows, self.pad_id, self.device),
            "attention_mask": mask_of([len(row) for row in rows], self.device),
        }
        if types is not None and self.takes_types:
            found["token_type_ids"] = right_padded(types, 0, self.device)
        return found


def longest_input(config: Any, tokenizer: Any, module: torch.nn.Module) -> int:
    """The most tokens that a model reads at once: the least of what any part of it says."""
    limit = min(context_length(config, tokenizer), int(min(tokenizer.model_max_length, 10**9)))
    for name, part in module.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, torch.nn.Embedding):
            # The RoBERTa family starts after its padding position.
            first = 0 if part.padding_idx is None else part.padding_idx + 1
            limit = min(limit, part.num_embeddings - first)
    return limit


def need_fast_tokenizer(reference: str, tokenizer: Any, why: str) -> None:
    """Raise ModelError for a tokenizer that cannot say which characters a token covers."""
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"The tokenizer of model {reference!r} ({type(tokenizer).__name__}) does not say which "
            f"characters a token covers, which {why} needs. Use a checkpoint with a "
            "tokenizer.json, or convert its tokenizer to a fast one."
        )


def whole_number(options: Mapping[str, Any], name: str, default: int | None, least: int) -> Any:
    """A model option that is an integer of at least ``least``; raises UsageError for any other."""
    value = options.get(name, default)
    if value is default and name not in options:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"Model option {name} must be an integer from {least} (got {value!r}).")
    return value
