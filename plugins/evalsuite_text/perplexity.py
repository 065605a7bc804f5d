"""Perplexity: how surprised is the model by text, per token, word and byte?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Card,
    Estimate,
    Metric,
    Probe,
    RollingLogLikelihood,
    Sample,
    Table,
    undefined,
)
from evalsuite.statistics import ratio_interval


@dataclass(frozen=True)
class CorpusRate:
    """A monotone function of minus log-likelihood per unit, over the whole corpus.

    The interval is that of the rate, a bootstrap over documents, put through the function.
    Undefined: the corpus has no such unit.
    """

    name: str
    unit_column: str
    function: Callable[[float], float]
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        surprise, units = table.numbers("surprise"), table.numbers(self.unit_column)
        if units.sum() == 0:
            return [undefined(self.name, f"no {self.unit_column}", is_primary=self.primary)]
        interval = ratio_interval(surprise, units, rng=rng)
        return [
            Estimate(
                self.name,
                self.function(float(surprise.sum() / units.sum())),
                self.function(interval.low),
                self.function(interval.high),
                method=interval.method,
                unit="document",
                n=table.n,
                direction="lower is better",
                is_primary=self.primary,
                extra={self.unit_column: float(units.sum())},
            )
        ]


def _bits(nats: float) -> float:
    return nats / math.log(2)


@dataclass(frozen=True)
class Perplexity(Probe):
    """exp(-log P / n) over a corpus, for n tokens, words and bytes."""

    name: ClassVar[str] = "text/perplexity"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (RollingLogLikelihood,)
    fields: ClassVar[Any] = ("text",)
    card: ClassVar[Card] = Card(
        measures="The model's average surprise at running text; lower is better.",
        does_not_measure="Truth or usefulness. Per token it does not compare across tokenizers; "
        "per word and per byte it does.",
        reference="Jelinek et al. 1977; rolling windows as in lm-evaluation-harness",
        critique="Text that was in the training data looks easy.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        CorpusRate("perplexity per token", "n_tokens", math.exp, primary=True),
        CorpusRate("perplexity per word", "n_words", math.exp),
        CorpusRate("bits per byte", "n_bytes", _bits),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the whole text."""
        score = yield RollingLogLikelihood(str(sample["text"]))
        return {
            "surprise": -score.total,
            "n_tokens": score.n_tokens,
            "n_words": score.n_words,
            "n_bytes": score.n_bytes,
            "perplexity": math.exp(min(700.0, -score.total / score.n_tokens)),
        }
