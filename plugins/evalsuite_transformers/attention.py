"""One repair of attention on NVIDIA GPUs.

Models with a single head of keys and values (Gemma 2B, Gemma 3 1B, PaliGemma, StarCoder) show it to
all heads of queries as a view in which they have stride 0. With such a view, a mask, and a number
of keys that is one more than a multiple of 32 or 64 (by number format), torch's memory-efficient
kernel gives wrong numbers at the last position, in silence: seen with torch 2.11, reported as issue
191937 of pytorch. A padded batch has a mask, so that a text's score depended on its company.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS


def mend_attention() -> None:
    """Put ``attend`` in the place of transformers' own way to torch's attention."""
    ALL_ATTENTION_FUNCTIONS.register("sdpa", attend)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **arguments: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers' own, but keys and values that all heads share are copied for each.

    That is what it does itself for models with more than one head of keys. Shapes: [batch, heads,
    length, width].
    """
    if _is_at_risk(query, key, attention_mask):
        if key.shape[1] < query.shape[1]:
            key, value = (part.expand(-1, query.shape[1], -1, -1) for part in (key, value))
            module = SimpleNamespace(
                num_key_value_groups=1,
                is_causal=getattr(module, "is_causal", True),
                layer_idx=getattr(module, "layer_idx", None),
            )
        key, value = key.contiguous(), value.contiguous()
    found: tuple[torch.Tensor, None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, **arguments
    )
    return found


def _is_at_risk(query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None) -> bool:
    """Whether the kernel would be given a view; a single query is packed without one."""
    is_shared = key.shape[1] == 1 < query.shape[1] or (key.shape[1] > 1 and key.stride(1) == 0)
    return key.is_cuda and mask is not None and is_shared and query.shape[2] > 1
