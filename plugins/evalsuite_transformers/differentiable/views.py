"""Views of a transformers dual encoder: one side's input, against the other side's vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from evalsuite import DifferentiableView, ForwardTrace
from evalsuite_transformers.differentiable.layers import (
    eager_attention,
    output_replaced,
    spread_tokens,
    traced,
)
from evalsuite_transformers.differentiable.stretches import NO_SPAN

Scoring = Callable[[torch.Tensor], torch.Tensor]


def pooled(found: Any) -> torch.Tensor:
    """The projected features of a tower, whatever it wraps them in."""
    vectors: torch.Tensor = getattr(found, "pooler_output", found)
    return vectors


def absent_id(tokenizer: Any, fallback: int) -> int:
    """The token that says nothing: mask, else unknown, else padding, else ``fallback``."""
    for name in ("mask_token_id", "unk_token_id", "pad_token_id"):
        value = getattr(tokenizer, name, None)
        if value is not None:
            return int(value)
    return fallback


def text_tower_view(
    module: Any,
    ids: torch.Tensor,
    arguments: dict[str, torch.Tensor],
    spans: Sequence[tuple[int, int]],
    blank: int,
    score: Scoring,
) -> DifferentiableView:
    """The token embeddings of a text; the baseline has ``blank`` for every token with a span.

    Args:
        module: Has ``text_model`` and ``get_text_features``.
        ids: Token ids [1, tokens].
        arguments: What else the tower takes, each [1, tokens].
        spans: Of each token.
        blank: The id of a token that says nothing.
        score: From features [batch, dimensions] to the output [batch].
    """
    layer = module.text_model.get_input_embeddings()
    is_content = torch.tensor([span != NO_SPAN for span in spans], device=ids.device)
    with torch.no_grad():
        inputs = layer(ids).float()
        baseline = layer(torch.where(is_content, blank, ids)).float()

    def encode(embeddings: torch.Tensor, **further: Any) -> Any:
        rows = {name: value.expand(len(embeddings), -1) for name, value in arguments.items()}
        repeated = ids.expand(len(embeddings), -1)
        with output_replaced(layer, embeddings):
            return module.get_text_features(input_ids=repeated, **rows, **further)

    def trace() -> ForwardTrace:
        with eager_attention(module):
            found = encode(inputs, output_attentions=True, output_hidden_states=True)
            return traced(found, score(pooled(found))[0], spread_tokens(inputs))

    return DifferentiableView(
        inputs,
        baseline,
        lambda embeddings: score(pooled(encode(embeddings))),
        tuple(spans),
        module=module,
        trace=trace,
    )
