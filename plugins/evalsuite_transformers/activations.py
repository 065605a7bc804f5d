"""The same activation function in one kernel instead of seven."""

from __future__ import annotations

import torch
from transformers.activations import NewGELUActivation


def fuse_activations(module: torch.nn.Module) -> int:
    """Replace GPT-2's spelled-out GELU by torch's own with the same formula; returns how many.

    0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), Hendrycks and Gimpel 2016. A tenth of GPT-2's
    time on a CPU goes into writing it out.
    """
    places = [
        (parent, name)
        for parent in module.modules()
        for name, child in parent.named_children()
        if type(child) is NewGELUActivation
    ]
    for parent, name in places:
        setattr(parent, name, torch.nn.GELU(approximate="tanh"))
    return len(places)
