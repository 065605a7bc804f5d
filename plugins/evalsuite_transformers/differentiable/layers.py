"""What is hooked in a model for a while: its embeddings, and its attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from evalsuite import Failure, ForwardTrace, RequestFailed


@contextmanager
def output_replaced(layer: torch.nn.Module, value: torch.Tensor) -> Iterator[None]:
    """While it lasts, a layer returns ``value``: embeddings that carry a gradient."""
    handle = layer.register_forward_hook(lambda module, inputs, output: value.to(output.dtype))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def eager_attention(module: Any) -> Iterator[None]:
    """While it lasts, a transformers model computes attention weights one can look at.

    Raises:
        RequestFailed: The model has only one way to attend.
    """
    before = module.config._attn_implementation
    module.set_attn_implementation("eager")
    if module.config._attn_implementation != "eager":
        raise RequestFailed(
            Failure("attention not open", f"{type(module).__name__} shows no attention weights")
        )
    try:
        yield
    finally:
        module.set_attn_implementation(before)


def spread_tokens(like: torch.Tensor) -> Callable[[Any], Any]:
    """A function from one number per token to a tensor like their embeddings [1, tokens, ...]."""

    def spread(values: Any) -> Any:
        found = torch.zeros_like(like, dtype=torch.float32)
        found[0, :, 0] = values.float()
        return found

    return spread


def readout_of(output: torch.Tensor, states: torch.Tensor) -> int | None:
    """The token of the last layer [1, tokens, channels] that alone moves the output, or None."""
    (gradient,) = torch.autograd.grad(output, states, retain_graph=True, allow_unused=True)
    if gradient is None:
        return None
    moved = torch.nonzero(gradient[0].abs().sum(-1)).reshape(-1)
    return int(moved[0]) if len(moved) == 1 else None


def traced(
    found: Any, output: torch.Tensor, spread: Callable[[Any], Any], **further: Any
) -> ForwardTrace:
    """The trace of a transformers model that was asked for its attentions and hidden states.

    Args:
        found: What the model returned.
        output: The target's scalar.
        spread: See ForwardTrace.
        further: Fields that differ: ``attentions``, ``hidden``, ``spread_hidden``.
    """
    facts: dict[str, Any] = {
        "attentions": tuple(found.attentions or ()),
        "hidden": found.hidden_states[-2],
        "spread_hidden": spread,
        **further,
    }
    last = getattr(found, "last_hidden_state", None)  # a model with a head keeps it to itself
    readout = readout_of(output, found.hidden_states[-1] if last is None else last)
    return ForwardTrace(output=output, readout=readout, spread=spread, **facts)
