"""What happens inside the transformers of open_clip, which keep their attention to themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from evalsuite import Failure, RequestFailed


@dataclass
class Recorded:
    """What a forward pass left behind, first layer first.

    Attributes:
        attentions: Weights [batch, heads, tokens, tokens], which the output was computed with.
        entering: What enters the last block, as the block takes it.
        leaving: What leaves it.
    """

    attentions: list[torch.Tensor] = field(default_factory=list)
    entering: Any = None
    leaving: Any = None


@contextmanager
def recorded(transformer: Any) -> Iterator[Recorded]:
    """While it lasts, a transformer of resblocks computes attention step by step and is recorded.

    Raises:
        RequestFailed: Its blocks are not of the usual kind.
    """
    blocks = list(getattr(transformer, "resblocks", ()))
    attentions = [getattr(block, "attn", None) for block in blocks]
    if not blocks or not all(_is_plain(attention) for attention in attentions):
        raise RequestFailed(
            Failure(
                "layers not open",
                f"{type(transformer).__name__} has no blocks of torch's own attention. Use "
                "integrated_gradients or occlusion.",
            )
        )
    found = Recorded()
    with ExitStack() as stack:
        for attention in attentions:
            stack.enter_context(_stepwise(attention, found))
        stack.enter_context(_watched(blocks[-1], found))
        yield found


def _is_plain(attention: Any) -> bool:
    return (
        isinstance(attention, torch.nn.MultiheadAttention)
        and attention.in_proj_weight is not None
        and attention.bias_k is None
        and attention.batch_first
        and not attention.add_zero_attn
    )


@contextmanager
def _stepwise(attention: Any, found: Recorded) -> Iterator[None]:
    def forward(query: Any, key: Any, value: Any, **options: Any) -> tuple[torch.Tensor, None]:
        del key, value  # the same as the query in a block that attends to itself
        output, weights = attended(attention, query, options.get("attn_mask"))
        found.attentions.append(weights)
        return output, None

    attention.forward = forward
    try:
        yield
    finally:
        del attention.forward  # the class's own again


@contextmanager
def _watched(block: Any, found: Recorded) -> Iterator[None]:
    def before(module: Any, inputs: Any, options: Any) -> None:
        found.entering = inputs[0] if inputs else options["q_x"]

    def after(module: Any, inputs: Any, output: Any) -> None:
        found.leaving = output

    handles = [
        block.register_forward_pre_hook(before, with_kwargs=True),
        block.register_forward_hook(after),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def attended(
    attention: Any, rows: torch.Tensor, mask: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Self-attention by its definition; equal to torch's, with the weights kept in the graph.

    Args:
        attention: A torch MultiheadAttention.
        rows: Shape [batch, tokens, channels].
        mask: Added to the weights' logits, or True where a token is not seen.

    Returns:
        The output [batch, tokens, channels] and the weights [batch, heads, tokens, tokens].
    """
    n, length, width = rows.shape
    projected = torch.nn.functional.linear(rows, attention.in_proj_weight, attention.in_proj_bias)
    query, key, value = (
        part.view(n, length, attention.num_heads, -1).transpose(1, 2)
        for part in projected.chunk(3, dim=-1)
    )
    logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if mask is not None:
        hidden = mask if mask.dtype != torch.bool else mask.float().masked_fill(mask, -torch.inf)
        logits = logits + hidden.reshape(-1, *hidden.shape[-2:]).view(
            (1, 1, length, length) if hidden.ndim == 2 else (n, -1, length, length)
        )
    weights = logits.softmax(dim=-1)
    joined = (weights @ value).transpose(1, 2).reshape(n, length, width)
    return attention.out_proj(joined), weights
