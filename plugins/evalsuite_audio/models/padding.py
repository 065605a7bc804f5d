"""Which speech encoders can hear clips of several lengths at once.

Padding must not change what a model says of a clip. It does where it reaches the clip's own frames:
through statistics over time (group normalisation), through several positional convolutions in a
row, or through relative positions counted from the padded end.
"""

from __future__ import annotations

from typing import Any

# With a mask and layer normalisation, padding changes their states by rounding only.
PADDED = frozenset({"wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat"})
# Padding changes their states by percents, mask or not.
ALONE = frozenset({"data2vec-audio", "sew", "sew-d", "wav2vec2-conformer"})


def can_pad(config: Any, extractor: Any) -> bool:
    """Whether clips of several lengths can share a batch without changing each other's answers."""
    return (
        config.model_type in PADDED
        and config.feat_extract_norm == "layer"
        and not getattr(config, "add_adapter", False)  # strided convolutions over the end
        and bool(getattr(extractor, "return_attention_mask", False))
    )
