"""What a decoder writes, as a function of what the encoder is given: speech, or another text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from evalsuite import DecoderTrace, ForwardTrace
from evalsuite_transformers.differentiable.layers import eager_attention


@dataclass(frozen=True)
class Writing:
    """Tokens that a decoder is to write.

    Attributes:
        read: What it is given, one token for each of its positions.
        first: The position that writes the first token that counts.
        targets: The tokens that count, one after another.
    """

    read: tuple[int, ...]
    first: int
    targets: tuple[int, ...]

    @property
    def readouts(self) -> tuple[int, ...]:
        """The positions that write the tokens that count."""
        return tuple(range(self.first, self.first + len(self.targets)))


@dataclass(frozen=True, eq=False)
class Written:
    """The log-probability of a text under one encoder-decoder model, in nats.

    Attributes:
        module: A transformers model with an encoder, a decoder and a head.
        encode: From inputs [batch, ...], and what else the encoder is asked for, to its output.
        writing: The text.
        given: What the decoder is given besides, each with one row.
    """

    module: Any
    encode: Callable[..., Any]
    writing: Writing
    given: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def output(self, inputs: torch.Tensor) -> torch.Tensor:
        """Maps inputs [batch, ...] to log P(text | input) [batch]."""
        return self._total(self._decoded(self.encode(inputs), len(inputs)).logits)

    def scored(self, inputs: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of all tokens where those that count are [batch, targets, tokens]."""
        return self._scored(self._decoded(self.encode(inputs), len(inputs)).logits)

    def trace(
        self, inputs: torch.Tensor, spread: Callable[[torch.Tensor], torch.Tensor]
    ) -> ForwardTrace:
        """One pass with plain attention; ``spread`` hands out a number of each encoder token.

        Raises:
            RequestFailed: The model shows no attention weights.
        """
        asked = {"output_attentions": True}
        with eager_attention(self.module):
            heard = self.encode(inputs, output_hidden_states=True, **asked)
            found = self._decoded(heard, 1, **asked)
        layers = zip(found.decoder_attentions, found.cross_attentions, strict=True)
        return ForwardTrace(
            output=self._total(found.logits)[0],
            attentions=tuple(heard.attentions),
            hidden=heard.hidden_states[-2],
            readout=None,
            spread=spread,
            spread_hidden=spread,
            decoder=DecoderTrace(tuple(layers), self.writing.readouts),
        )

    def _decoded(self, heard: Any, n_rows: int, **asked: Any) -> Any:
        ids = torch.tensor([self.writing.read], device=self.module.device)
        return self.module(
            encoder_outputs=heard,
            decoder_input_ids=ids.expand(n_rows, -1),
            use_cache=False,
            **{name: value.expand(n_rows, -1) for name, value in self.given.items()},
            **asked,
        )

    def _total(self, logits: torch.Tensor) -> torch.Tensor:
        """Sums of the scores [batch] under logits [batch, positions, vocabulary]."""
        targets = torch.tensor(self.writing.targets, device=logits.device)
        scored = self._scored(logits)
        return scored.gather(-1, targets.expand(len(scored), -1)[..., None]).sum((1, 2))

    def _scored(self, logits: torch.Tensor) -> torch.Tensor:
        return logits[:, list(self.writing.readouts)].float().log_softmax(-1)
