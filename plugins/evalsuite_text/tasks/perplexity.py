"""Perplexity: how surprised is the model by text, per token, word and byte?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
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
    Summed,
    Table,
    undefined,
)
from evalsuite.statistics import ratio_interval
from evalsuite.summing import Floats, of_sums, ratio_columns

_LARGEST_EXPONENT = math.log(float(np.finfo(float).max))


@dataclass(frozen=True)
class CorpusRate:
    """An increasing function of -log P per unit, over the whole corpus: f(-Σ log P / Σ units).

    Lower is better. The interval is that of the rate, a bootstrap over documents, put through the
    function. Undefined: no document, the corpus has no such unit, or the value is too large for a
    floating-point number.
    """

    name: str
    unit_column: str
    function: Callable[[float], float]
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        surprise, units = table.numbers("surprise"), table.numbers(self.unit_column)
        if units.sum() == 0:
            return [self._undefined(f"the corpus has no {self.unit_column.removeprefix('n_')}")]
        value = self.function(float(surprise.sum() / units.sum()))
        if math.isinf(value):
            return [self._undefined("it is too large for a floating-point number")]
        interval = ratio_interval(surprise, units, rng=rng)
        return [
            Estimate(
                self.name,
                value,
                self.function(interval.low),
                self.function(interval.high),
                level=interval.level,
                method=interval.described,
                unit="document",
                n=table.n,
                direction="lower is better",
                is_primary=self.primary,
                extra={self.unit_column: float(units.sum())},
            )
        ]

    def summed(self, table: Table) -> Iterator[Summed]:
        """How it follows from the sums of surprise and of units."""

        def score(totals: Floats) -> Floats:
            return np.array([self.function(float(rate)) for rate in of_sums(totals)])

        columns = ratio_columns(table.numbers("surprise"), table.numbers(self.unit_column))
        yield Summed(self.name, "", columns, score)

    def _undefined(self, reason: str) -> Estimate:
        return undefined(self.name, reason, direction="lower is better", is_primary=self.primary)


def perplexity(nats: float) -> float:
    """E to the surprise per unit, in nats; infinite where that overflows."""
    return math.exp(nats) if nats < _LARGEST_EXPONENT or math.isnan(nats) else math.inf


def bits(nats: float) -> float:
    """Surprise per unit in bits."""
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
        CorpusRate("perplexity per token", "n_tokens", perplexity, primary=True),
        CorpusRate("perplexity per word", "n_words", perplexity),
        CorpusRate("perplexity per byte", "n_bytes", perplexity),
        CorpusRate("bits per byte", "n_bytes", bits),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the whole text."""
        score = yield RollingLogLikelihood(str(sample["text"]))
        return {
            "surprise": -score.total,
            "n_tokens": score.n_tokens,
            "n_words": score.n_words,
            "n_bytes": score.n_bytes,
            "surprise_per_token": -score.total / score.n_tokens,
        }
