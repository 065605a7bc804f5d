"""Text towers of CLIP read no further than their texts reach.

A causal tower's vector is taken at the end-of-text token, which sees nothing after it: the padding
up to 77 tokens costs time and changes nothing. Texts are sorted by length, so that each batch is as
long as its longest text only.
"""

from __future__ import annotations

from typing import Any

import torch

SAME = 1e-4
_TRIALS = ("a photo of a cat", "two dogs on the left of a small red house in the rain")


def text_tower(module: Any) -> Any:
    """The part of an open_clip model that reads text."""
    return getattr(module, "text", module)


def is_trimmable(module: Any, tokenizer: Any) -> bool:
    """Whether the tower is of the kind, and gives the same vectors when it is trimmed."""
    tower = text_tower(module)
    needed = ("token_embedding", "positional_embedding", "transformer", "ln_final", "attn_mask")
    if not all(getattr(tower, name, None) is not None for name in needed):
        return False
    is_padded = getattr(tower, "cls_emb", None) is not None or getattr(tower, "use_pad_mask", False)
    if is_padded or _pool(tower) not in ("argmax", "eos"):
        return False
    try:
        tokens = tokenizer(list(_TRIALS)).to(next(module.parameters()).device)
        with torch.inference_mode():
            plain = torch.nn.functional.normalize(module.encode_text(tokens).float(), dim=-1)
            fast = torch.nn.functional.normalize(trimmed(tower, tokens).float(), dim=-1)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return False  # a tower of another make
    return bool((plain - fast).abs().max() <= SAME)


def _pool(tower: Any) -> str:
    return str(getattr(tower, "text_pool_type", None) or getattr(tower, "pool_type", ""))


def ends_of(tower: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Where the vector of each row is taken [rows]."""
    if _pool(tower) == "argmax":
        return tokens.argmax(dim=-1)
    end = getattr(tower, "text_eos_id", None)
    end = getattr(tower, "eos_id", None) if end is None else end
    return (tokens == end).int().argmax(dim=-1)


def trimmed(tower: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Projected features [rows, dimensions] of token ids [rows, context]."""
    ends = ends_of(tower, tokens)
    n = int(ends.max()) + 1
    dtype = tower.transformer.get_cast_dtype()
    states = tower.token_embedding(tokens[:, :n]).to(dtype)
    states = states + tower.positional_embedding[:n].to(dtype)
    states = tower.transformer(states, attn_mask=tower.attn_mask[:n, :n])
    pooled = tower.ln_final(states[torch.arange(len(tokens), device=tokens.device), ends])
    projection = tower.text_projection
    if projection is None:
        return pooled
    return projection(pooled) if callable(projection) else pooled @ projection
