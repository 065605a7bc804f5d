"""What a model says of a text, in one form for all kinds of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Alignment, ContinuationScore, TextScore, TokenScoreTable
from evalsuite_privacy.membership import attacks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoredText:
    """Log-probabilities of a text's tokens.

    Attributes:
        total: Sum over the tokens, in nats.
        n_tokens: How many there are.
        logprobs: Of each token, (n_tokens,); empty where the model gives the sum alone.
        means, deviations: Of log p over the vocabulary at each token, (n_tokens,); or empty.
    """

    total: float
    n_tokens: int
    logprobs: Floats
    means: Floats
    deviations: Floats

    @classmethod
    def of(cls, answer: TokenScoreTable | ContinuationScore | TextScore | Alignment) -> ScoredText:
        """Read an answer."""
        nothing = np.empty(0)
        if isinstance(answer, Alignment):
            total = float("nan") if answer.log_likelihood is None else answer.log_likelihood
            return cls(total, answer.n_labels, nothing, nothing, nothing)
        if isinstance(answer, TextScore):
            return cls(answer.total, answer.n_tokens, nothing, nothing, nothing)
        if isinstance(answer, ContinuationScore):
            logprobs = np.asarray(answer.token_logprobs, dtype=float)
            return cls(answer.total, answer.n_tokens, logprobs, nothing, nothing)
        values = np.asarray(answer.logprobs, dtype=float)
        return cls(
            float(values.sum()),
            len(values),
            values,
            np.asarray(answer.means, dtype=float),
            np.asarray(answer.deviations, dtype=float),
        )

    @property
    def mean(self) -> float:
        """Mean log-probability per token, in nats; NaN without tokens."""
        return self.total / self.n_tokens if self.n_tokens else float("nan")

    def scores(self, text: str, k: float) -> Mapping[str, Any]:
        """The attacks that need this one answer only, by name."""
        return {
            "loss": self.mean,
            "zlib": attacks.zlib_ratio(self.mean, text),
            "min_k": attacks.min_k(self.logprobs, k),
            "min_k_plus_plus": attacks.min_k_plus_plus(
                self.logprobs, self.means, self.deviations, k
            ),
            "max_entropy": attacks.max_entropy(self.means, k),
        }
