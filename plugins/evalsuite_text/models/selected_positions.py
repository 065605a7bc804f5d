"""A language-model head applied to chosen positions only, whatever the head looks like.

Heads differ (a transform before the projection, scaling, biases), but each maps one position's
hidden state to one position's logits. So the states of the chosen positions are put in the place
of the whole sequence as they leave the body, and the model's own head does the rest: there is
never a tensor of [batch, length, vocabulary].
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

# Positions of a batch: a boolean [batch, length], or rows and columns as two index vectors.
Positions: TypeAlias = torch.Tensor | tuple[torch.Tensor, torch.Tensor]

# Positions of logits in memory at once: 256 x 250,000 float32 are 250 MB.
HEAD_CHUNK = 256
TOLERANCE = 1e-3


class SelectedHead:
    """Runs a model and reads log-probabilities at chosen positions.

    Attributes:
        exact: Whether choosing before the head gives what the whole model gives; where not (a
            head that looks at its neighbours), the whole sequence goes through the head.
    """

    def __init__(self, model: Any, body: Any) -> None:
        """Take the model and the part of it whose ``last_hidden_state`` its head reads."""
        self.model = model
        self.body = body
        self.exact = True

    def verify(self, inputs: dict[str, Any], chosen: Positions) -> None:
        """Compare with the plain logits on one batch, and go the plain way where they differ."""
        with torch.inference_mode():
            plain = self.model(**inputs).logits.float()[chosen].log_softmax(-1)
            try:
                fast = self._selected(inputs, chosen).log_softmax(-1)
            except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
                self.exact = False  # a body of another shape
                return
        same = fast.shape == plain.shape
        self.exact = same and float((fast - plain).abs().max()) <= TOLERANCE

    def scores(
        self, inputs: dict[str, Any], chosen: Positions, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities of target tokens, and whether each is the most probable token.

        Args:
            inputs: The model's inputs for one batch.
            chosen: The positions to read.
            targets: Ids [chosen positions] in the same order.

        Returns:
            Two vectors [chosen positions] on the CPU; log-probabilities are float32, in nats.
        """
        with torch.inference_mode():
            logits = self.logits(inputs, chosen)
            logp, greedy = [], []
            pieces = zip(logits.split(HEAD_CHUNK), targets.to(logits.device).split(HEAD_CHUNK))
            for part, target in pieces:
                part = part.float()
                logp.append(part.log_softmax(-1).gather(-1, target[:, None])[:, 0])
                greedy.append(part.argmax(-1) == target)
            return torch.cat(logp).cpu(), torch.cat(greedy).cpu()

    def logits(self, inputs: dict[str, Any], chosen: Positions) -> torch.Tensor:
        """Logits [chosen positions, vocabulary], where the model is and in its format."""
        if self.exact:
            return self._selected(inputs, chosen)
        logits: torch.Tensor = self.model(**inputs).logits[chosen]
        return logits

    def _selected(self, inputs: dict[str, Any], chosen: Positions) -> torch.Tensor:
        """Logits [chosen positions, vocabulary]."""

        def choose(module: Any, arguments: Any, output: Any) -> Any:
            del module, arguments
            output.last_hidden_state = output.last_hidden_state[chosen][None]
            return output

        handle = self.body.register_forward_hook(choose)
        try:
            logits: torch.Tensor = self.model(**inputs).logits[0]
        finally:
            handle.remove()
        return logits.float()
