"""Sentence encoders: one unit vector for a text.

Any encoder can be read as one: a checkpoint in the layout of sentence-transformers says itself how
its vectors are made; of any other the token states are averaged. Long texts are cut at the end.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import AutoModel, AutoModelForTextEncoding
from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

from evalsuite import Embedding, EmbedText, LoadSettings, ModelInfo, Request, UsageError
from evalsuite_text.models.pooling import MODES, Layout, pooled, read_layout
from evalsuite_text.models.special_tokens import frame
from evalsuite_text.models.text_encoder import TextEncoder, describe, whole_number
from evalsuite_text.models.token_batches import batches, token_budget
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.vectors import unit_rows


@dataclass(frozen=True)
class Options:
    """The model options of a sentence encoder; each is by default what the checkpoint says.

    Args:
        pooling: ``mean``, ``cls``, ``max``, ``mean_sqrt_len``, ``weightedmean`` or ``lasttoken``.
        prompt: A text to put before every text, e.g. ``"query: "``.
        prompt_name: The name of one of the checkpoint's own prompts.
        max_length: Read at most so many tokens.
    """

    pooling: str | None = None
    prompt: str | None = None
    prompt_name: str | None = None
    max_length: int | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        options, given = checkpoint.options_of(cls), checkpoint.settings.options
        whole_number(given, "max_length", None, 4)
        if options.pooling not in (None, *MODES):
            raise UsageError(
                f"Model option pooling must be one of {', '.join(MODES)} (got {options.pooling!r})."
            )
        for name in ("prompt", "prompt_name"):
            if not isinstance(getattr(options, name), str | None):
                raise UsageError(f"Model option {name} must be a text.")
        if options.prompt is not None and options.prompt_name is not None:
            raise UsageError("Model options prompt and prompt_name exclude one another.")
        return options

    def applied(self, layout: Layout) -> Layout:
        """The layout with what was asked for in its place."""
        if self.pooling is not None:
            layout = replace(layout, modes=(self.pooling,))
        if self.max_length is not None:
            layout = replace(layout, max_length=self.max_length)
        return layout

    def prefix(self, layout: Layout) -> str:
        """What goes before every text; raises UsageError for a prompt that there is not."""
        if self.prompt is not None:
            return self.prompt
        prompts = dict(layout.prompts)
        name = self.prompt_name if self.prompt_name is not None else layout.default_prompt
        if name and name not in prompts:
            raise UsageError(
                f"The checkpoint has no prompt {name!r}; it has "
                f"{', '.join(map(repr, prompts)) or 'none'}. Give the text itself as prompt."
            )
        return str(prompts[name]) if name else ""


class Loader:
    """The loader behind ``hf/sentence-encoder:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        Options.of(checkpoint)
        return describe(reference, checkpoint, SentenceEncoder.kind, SentenceEncoder.methods)

    def load(self, reference: str, settings: LoadSettings) -> SentenceEncoder:
        """Load weights, tokenizer and layout."""
        checkpoint = open_checkpoint(reference, settings)
        options = Options.of(checkpoint)
        layout = options.applied(read_layout(checkpoint))
        prefix = options.prefix(layout)
        tokenizer = load_tokenizer(checkpoint)
        return SentenceEncoder(
            reference, checkpoint, _load_body(checkpoint), tokenizer, layout, prefix
        )


def _load_body(checkpoint: Checkpoint) -> Any:
    """The encoder of a checkpoint, without what is on top of it or beside it.

    The pooling layer on top is not used, and checkpoints are often saved without it.
    """
    kind = type(checkpoint.config)
    encoders = MODEL_FOR_TEXT_ENCODING_MAPPING
    auto, classes = (
        (AutoModelForTextEncoding, encoders) if kind in encoders else (AutoModel, MODEL_MAPPING)
    )
    taken = inspect.signature(classes[kind].__init__).parameters if kind in classes else {}
    bare = {"add_pooling_layer": False} if "add_pooling_layer" in taken else {}
    return load_weights(auto, checkpoint, **bare)


class SentenceEncoder(TextEncoder):
    """A transformer whose token states are pooled to one vector."""

    kind = "sentence encoder"
    methods = frozenset({"embed_text"})

    def __init__(
        self,
        reference: str,
        checkpoint: Checkpoint,
        module: Any,
        tokenizer: Any,
        layout: Layout,
        prefix: str,
    ) -> None:
        """Keep how vectors are made."""
        self.layout = layout
        self.prefix = prefix
        details = {"pooling": " and ".join(layout.modes), "long texts": "cut at the end"}
        if prefix:
            details["prompt"] = prefix
        super().__init__(
            reference,
            checkpoint,
            module,
            tokenizer,
            max_length=layout.max_length,
            details=details,
            facts=(layout.modes, prefix, layout.pools_prompt),
        )

    def cost(self, request: Request) -> int:
        """Tokens, estimated from the characters."""
        text = request.text if isinstance(request, EmbedText) else ""
        return min(self.max_length, 2 + (len(self.prefix) + len(text)) // 3)

    def embed_text(self, requests: Sequence[EmbedText]) -> list[Embedding]:
        """A unit vector for each text, float32."""
        texts = [self.prefix + request.text for request in requests]
        if self.layout.lower_case:
            texts = [text.lower() for text in texts]
        encoded = self.tokenizer(texts, truncation=True, max_length=self.max_length)["input_ids"]
        rows = [ids or [self.pad_id] for ids in encoded]
        vectors: dict[int, Embedding] = {}
        for batch in batches([len(row) for row in rows], token_budget(self.device)):
            found = self._vectors([rows[k] for k in batch])
            vectors.update(zip(batch, unit_rows(found), strict=True))
        return [vectors[k] for k in range(len(rows))]

    def _vectors(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Vectors [rows, dimensions], not yet of unit length."""
        inputs = self.inputs(rows)
        mask = inputs["attention_mask"].clone()
        if self.prefix and not self.layout.pools_prompt:
            before = frame(self.tokenizer, self.prefix)
            n_hidden = len(before.before) + len(before.text)
            lengths = mask.sum(1)
            mask[lengths > n_hidden, :n_hidden] = 0
        with torch.inference_mode():
            states = self.module(**inputs).last_hidden_state
            vectors = pooled(states, mask, self.layout.modes)
            for layer in self.layout.dense:
                vectors = layer(vectors)
        return vectors
