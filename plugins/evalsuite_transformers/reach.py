"""How far a model's tokens stand alike for every row that they are read in."""

from __future__ import annotations

from typing import Any

_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len")


def positions_of(text_config: Any) -> int | None:
    """How many positions a language model has; None where its configuration names no number."""
    values = (getattr(text_config, name, None) for name in _POSITIONS)
    return next((value for value in values if isinstance(value, int) and value > 0), None)


def reach_of(text_config: Any) -> int:
    """Rows of at most so many tokens may be packed, and share their beginnings.

    Within this length a sliding window or an attention chunk hides nothing, and rotary angles do
    not depend on the row's length.
    """
    names = ("sliding_window", "attention_chunk_size")
    limits = [getattr(text_config, name, None) for name in names]
    rope = getattr(text_config, "rope_parameters", None)
    rope = rope or getattr(text_config, "rope_scaling", None) or {}
    kinds = {str(value) for value in rope.values()} if isinstance(rope, dict) else set()
    if kinds & {"dynamic", "longrope"}:
        limits.append(
            rope.get("original_max_position_embeddings") or text_config.max_position_embeddings
        )
    return min((int(limit) for limit in limits if limit), default=2**31)
