"""Logits of a classification head, with the last layer run only at the one position that it reads.

BERT's family reads the first position, decoders with a head read the last word. Which of them a
model reads, and whether the short way gives its logits, is tried on one batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from evalsuite_text.scoring.readout import Readout, find_readouts

TOLERANCE = 1e-4
# In fewer, the first position and the last cannot be told from the others.
FEWEST_POSITIONS = 4


class PooledLogits:
    """A model's logits.

    Attributes:
        readout: What is left out at the other positions; nothing where all of them are read.
        reads_last: Whether the position is the last one before the padding, else the first.
    """

    def __init__(self, module: Any, inputs: Mapping[str, torch.Tensor]) -> None:
        """Look where the module reads.

        Args:
            module: A sequence classifier.
            inputs: Two rows of unlike length, padded on the right, or one.
        """
        self.module = module
        self.readout, self.reads_last = Readout(), False
        try:
            is_exact = self._find(inputs)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
            is_exact = False  # a model of another shape, or one without gradients
        if not is_exact:
            self.readout = Readout()

    def _find(self, inputs: Mapping[str, torch.Tensor]) -> bool:
        """Choose a readout; returns whether it changes nothing."""
        last = int(self._last(inputs["input_ids"])[0])
        if last + 1 < FEWEST_POSITIONS:
            return False  # a tokenizer that knows none of the words
        with torch.inference_mode():
            plain = self(inputs)
        one = {name: values[:1, : last + 1] for name, values in inputs.items()}
        found = find_readouts(self.module, lambda: self.module(**one).logits)
        self.reads_last = 0 not in found
        self.readout = found.get(last if self.reads_last else 0, Readout())
        with torch.inference_mode():
            difference = float((self(inputs) - plain).abs().max())
        # In half precision the last digit of a logit may differ.
        digit = torch.finfo(self.module.dtype).eps * float(plain.abs().max())
        return difference <= TOLERANCE + digit

    def __call__(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Float32 logits [rows, labels] of right-padded inputs."""
        ids = inputs["input_ids"]
        with self.readout.at(self._rows(ids), ids.numel()):
            logits: torch.Tensor = self.module(**inputs).logits.float()
        return logits

    def _rows(self, ids: torch.Tensor) -> torch.Tensor:
        """Where the head reads, in the flattened batch."""
        first = torch.arange(len(ids), device=ids.device) * ids.shape[1]
        return first + self._last(ids) if self.reads_last else first

    def _last(self, ids: torch.Tensor) -> torch.Tensor:
        """The last position without padding, as decoders with a head look for it [rows]."""
        place = torch.arange(ids.shape[1], device=ids.device)
        padding = self.module.config.pad_token_id
        is_token = torch.ones_like(ids) if padding is None else ids != padding
        return (is_token * place).argmax(-1)
