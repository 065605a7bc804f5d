"""Training with differential privacy of a known epsilon, in seconds: what audits are checked by.

A table of next-word logits for each word is the smallest language model there is. It is trained
by gradient descent on all texts at once (DP-SGD without sampling): every text's own gradient, from
torch.func, is clipped, and their sum gets Gaussian noise. Without sampling the privacy loss has a
closed form, so epsilon is exact and not an accountant's bound.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.special import log_ndtr, ndtr
from torch.func import functional_call, grad, vmap

from evalsuite_controls.data.language import NUMBERS

CLIP = 1.0
STEPS = 20
LEARNING_RATE = 1.0


def gaussian_epsilon(noise_multiplier: float, steps: int, delta: float) -> float:
    """Epsilon of so many Gaussian steps at a delta, exactly, for adding or removing one text.

    Formula: the root of delta = Phi(mu/2 - eps/mu) - exp(eps) Phi(-mu/2 - eps/mu) with
    mu = sqrt(steps) / noise_multiplier. Range: [0, inf]; inf without noise.
    Reference: Balle & Wang 2018 (1805.06530), theorem 8; composition: Dong, Roth & Su 2022
    (1905.02383), corollary 3.3.

    Args:
        noise_multiplier: Deviation of the noise over the clipping norm.
        steps: Number of steps on all texts.
        delta: In (0, 1).
    """
    if noise_multiplier == 0:
        return math.inf
    mu = math.sqrt(steps) / noise_multiplier

    def delta_at(epsilon: float) -> float:
        second = math.exp(epsilon + float(log_ndtr(-mu / 2 - epsilon / mu)))
        return float(ndtr(mu / 2 - epsilon / mu)) - second

    low, high = 0.0, mu * mu / 2 + 40 * mu
    if delta_at(low) <= delta:
        return 0.0
    while high - low > 1e-10 * max(1.0, high):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_at(middle) > delta else (low, middle)
    return high


def noise_for(epsilon: float, steps: int, delta: float) -> float:
    """The noise multiplier that makes so many steps (epsilon, delta)-private; 0 for inf."""
    if math.isinf(epsilon):
        return 0.0
    low, high = 1e-3, 1e5
    while high / low > 1 + 1e-12:
        middle = math.sqrt(low * high)
        low, high = (
            (middle, high) if gaussian_epsilon(middle, steps, delta) > epsilon else (low, middle)
        )
    return high


@dataclass(frozen=True)
class Coin:
    """A canary, and whether a fair coin put it into the training data.

    Attributes:
        text: An owner of its own and a random digit.
        is_planted: What the coin said.
    """

    text: str
    is_planted: bool


def coins(n: int, seed: int) -> list[Coin]:
    """Canaries that have no word in common but the digits: each moves logits of its own."""
    draw = random.Random(seed)
    return [Coin(f"owner{i} {draw.choice(NUMBERS)}", draw.random() < 0.5) for i in range(n)]


class PrivateBigrams(torch.nn.Module):
    """log P(digit | owner) for every owner: one row of logits each, zero before training."""

    def __init__(self, n_owners: int) -> None:
        """A table [owners, digits]."""
        super().__init__()
        self.logits = torch.nn.Embedding(n_owners, len(NUMBERS))
        torch.nn.init.zeros_(self.logits.weight)

    def forward(self, owners: torch.Tensor) -> torch.Tensor:
        """Logits of the digit after each owner, [texts, digits]."""
        found: torch.Tensor = self.logits(owners)
        return found

    def log_likelihood(self, text: str) -> float:
        """Of the digit after the owner, in nats."""
        owners, digits = encoded([text])
        with torch.no_grad():
            return float(self(owners).log_softmax(-1)[0, digits[0]])


def encoded(texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Number of the owner and of the digit of each text, both [texts]."""
    pairs = [text.split() for text in texts]
    owners = [int(owner.removeprefix("owner")) for owner, _ in pairs]
    return torch.tensor(owners), torch.tensor([NUMBERS.index(digit) for _, digit in pairs])


def train_privately(
    model: PrivateBigrams, texts: Sequence[str], noise_multiplier: float, seed: int
) -> PrivateBigrams:
    """Train in place on clipped and noised gradients; 0 is training without privacy.

    The step does not depend on how many texts there are, which would itself be no secret kept.
    """
    generator = torch.Generator().manual_seed(seed)
    owners, digits = encoded(texts)
    for _ in range(STEPS):
        for name, total in clipped_sums(model, owners, digits).items():
            noise = torch.randn(total.shape, generator=generator) * noise_multiplier * CLIP
            with torch.no_grad():
                model.get_parameter(name).sub_(LEARNING_RATE * (total + noise))
    return model


def clipped_sums(
    model: PrivateBigrams, owners: torch.Tensor, digits: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Sum over texts of the gradient of each, clipped to a norm of CLIP, by parameter."""
    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(
        values: dict[str, torch.Tensor], owner: torch.Tensor, digit: torch.Tensor
    ) -> torch.Tensor:
        logits = functional_call(model, values, (owner[None],))
        return torch.nn.functional.cross_entropy(logits, digit[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, owners, digits)
    squares = torch.stack([g.flatten(1).square().sum(1) for g in each.values()]).sum(0)
    factors = (CLIP / squares.sqrt().clamp(min=1e-12)).clamp(max=1.0)
    return {name: torch.einsum("n,n...->...", factors, g) for name, g in each.items()}
