"""What a model's passes cost, from its size alone."""

from __future__ import annotations

from typing import Any

import torch

from evalsuite_text.scoring.packing import CostModel

# A forward pass of its own costs as much as so many tokens.
CALL_TOKENS = {"cpu": 16.0, "cuda": 1024.0}


def cost_model(model: Any) -> CostModel:
    """Relative costs from the model's own size.

    A token costs 2 operations for each weight outside embeddings; a pair of positions 4 for each
    unit of width in each layer.
    """
    config = model.config.get_text_config()
    layers = int(getattr(config, "num_hidden_layers", 0) or 1)
    width = int(getattr(config, "hidden_size", 0) or 1)
    embeddings = {
        id(part.weight) for part in model.modules() if isinstance(part, torch.nn.Embedding)
    }
    n_weights = sum(w.numel() for w in model.parameters() if id(w) not in embeddings)
    kind = model.get_input_embeddings().weight.device.type
    return CostModel(max(1.0, n_weights / (2 * width * layers)), CALL_TOKENS.get(kind, 256.0))
