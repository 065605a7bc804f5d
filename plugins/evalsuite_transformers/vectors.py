"""From a model's features to unit vectors."""

from __future__ import annotations

from typing import Any

import torch

from evalsuite import Embedding


def unit_rows(features: Any) -> list[Embedding]:
    """One float32 unit vector for each row.

    Takes a tensor [batch, dimensions], or the output object that wraps it as ``pooler_output``
    since transformers 5.
    """
    tensor: torch.Tensor = getattr(features, "pooler_output", features)
    unit = torch.nn.functional.normalize(tensor.float(), dim=-1).cpu().numpy()
    return [Embedding(row.copy()) for row in unit]


def mean_direction(rows: torch.Tensor) -> Embedding:
    """The direction of the mean of unit vectors, for something that was heard in pieces.

    Takes features [pieces, dimensions] of any length.
    """
    unit = torch.nn.functional.normalize(rows.float(), dim=-1)
    return unit_rows(unit.mean(dim=0, keepdim=True))[0]
