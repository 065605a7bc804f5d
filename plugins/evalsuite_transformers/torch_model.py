"""The part that every torch model of ours shares: what it is, where it runs, how it is freed."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import Any

import torch

from evalsuite import ModelInfo, Request


class TorchModel:
    """Base of loaded models: subclasses add one method for each kind of request they answer.

    Attributes:
        module: The torch module, in evaluation mode.
        device: Where it runs.
    """

    def __init__(self, info: ModelInfo, fingerprint: str, module: torch.nn.Module) -> None:
        """Keep the module and what is known of it."""
        self._info = info
        self._fingerprint = fingerprint
        self.module: Any = module

    @property
    def info(self) -> ModelInfo:
        """What the model is."""
        return self._info

    @property
    def fingerprint(self) -> str:
        """Identifies weights, configuration, tokenizer, dtype and plugin version."""
        return self._fingerprint

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The weights' number format."""
        return next(self.module.parameters()).dtype

    def cost(self, request: Request) -> int:
        """One unit per request; a subclass that knows lengths says more."""
        del request
        return 1

    def close(self) -> None:
        """Drop the weights and give the memory back."""
        self.module = None
        gc.collect()
        if torch.cuda.is_available():
            with suppress(RuntimeError):  # of a GPU that is lost nothing can be given back
                torch.cuda.empty_cache()


def count_parameters(module: torch.nn.Module) -> int:
    """Number of weights."""
    return sum(weight.numel() for weight in module.parameters())
