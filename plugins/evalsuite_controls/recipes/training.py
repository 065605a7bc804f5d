"""The one training loop: fixed seeds, fixed steps, one thread, so that a rebuild is a repeat."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers.utils import logging as transformers_logging

Progress = Callable[[int, int], None]


def seed_everything(seed: int) -> None:
    """One thread (tiny matrices are slower on two) and every generator seeded."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (transformers draws from the global generator)


def train(
    model: torch.nn.Module,
    loss_of_step: Callable[[int], torch.Tensor],
    steps: int,
    *,
    learning_rate: float,
    on_progress: Progress,
    weight_decay: float = 0.01,
) -> None:
    """AdamW with a short warm-up, a cosine decay to 2 %, and clipped gradients."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.98)
    )
    model.train()
    for step in range(steps):
        decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 30) * decay
        loss = loss_of_step(step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        on_progress(step + 1, steps)
    model.eval()


def contrastive_loss(logits: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """Symmetric cross-entropy with several positives: equal captions are positives of each other.

    Args:
        logits: Scaled similarities, shape [batch, batch].
        same: 1 where row and column belong together, shape [batch, batch].
    """
    target = same / same.sum(1, keepdim=True)
    rows = (target * logits.log_softmax(1)).sum(1).mean()
    columns = (target.T * logits.T.log_softmax(1)).sum(1).mean()
    return -0.5 * (rows + columns)


def equal_captions(captions: list[str]) -> torch.Tensor:
    """1 where two captions of a batch are the same text, shape [batch, batch]."""
    array = np.array(captions)
    return torch.from_numpy((array[:, None] == array[None, :]).astype(np.float32))


def save_half(model: torch.nn.Module, directory: str) -> None:
    """Save as float16 safetensors without any path of this machine in the configuration."""
    transformers_logging.disable_progress_bar()
    model.config._name_or_path = ""
    model.half().save_pretrained(directory)
    for path in Path(directory).iterdir():
        path.chmod(0o644)
