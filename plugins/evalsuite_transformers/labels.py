"""The labels of a classification head, and their probabilities."""

from __future__ import annotations

from typing import Any

import torch


def label_names(config: Any) -> tuple[str, ...]:
    """Label names in order; a single logit means two labels."""
    names = tuple(str(config.id2label[i]) for i in sorted(config.id2label))
    return names if len(names) > 1 else (f"not {names[0]}", names[0])


def label_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Softmax of float logits [rows, labels]; of a single logit: sigmoid, as [rows, 2]."""
    if logits.shape[-1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=-1)
    return logits.softmax(-1)
