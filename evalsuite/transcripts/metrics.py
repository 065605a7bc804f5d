"""Corpus rates that are no plain ratio of two sums, and what the choice of a rule changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalsuite.metric import Direction, Table
from evalsuite.sliced import Floats, TotalsMetric


@dataclass(frozen=True, kw_only=True)
class MatchErrorRate(TotalsMetric):
    """(S + D + I) / (H + S + D + I) over the corpus: the share of alignment steps that are wrong.

    Range [0, 1], lower is better. Undefined: nothing was said and nothing heard.
    Reference: Morris, Maier and Green 2004, Interspeech.
    """

    direction: Direction = "lower is better"

    def columns_of(self, table: Table) -> Floats:
        """Errors and hits."""
        return np.stack([table.numbers("errors"), table.numbers("hits")], axis=1)

    def score(self, totals: Floats) -> Floats:
        """The rate of sums."""
        return ratio_of(totals[:, 0], totals.sum(axis=1))

    @property
    def why_undefined(self) -> str:
        """There is nothing to be wrong."""
        return "no word was said and none was heard"


@dataclass(frozen=True, kw_only=True)
class WordInformationLost(TotalsMetric):
    """1 - (H / N)(H / P) over the corpus, with N words said and P heard.

    Range [0, 1], lower is better; 1 where nothing was heard. Undefined: nothing was said.
    Reference: Morris, Maier and Green 2004, Interspeech.
    """

    direction: Direction = "lower is better"

    def columns_of(self, table: Table) -> Floats:
        """Hits, words said, words heard."""
        names = ("hits", "reference_words", "hypothesis_words")
        return np.stack([table.numbers(name) for name in names], axis=1)

    def score(self, totals: Floats) -> Floats:
        """The loss of sums."""
        hits, said, heard = totals.T
        preserved = ratio_of(hits, said) * np.where(heard > 0, hits / np.maximum(heard, 1), 0.0)
        return np.asarray(1 - preserved)

    @property
    def why_undefined(self) -> str:
        """There is nothing to lose."""
        return "no word was said"


@dataclass(frozen=True, kw_only=True)
class RuleSpread(TotalsMetric):
    """Largest minus smallest corpus word error rate of the same transcripts under several rules.

    Range [0, inf). It says how much of a difference between two published figures the choice of
    the rule can make; it is no property of the model alone, so neither way is better. Undefined:
    under some rule nothing was said.

    Attributes:
        rules: Suffixes of the columns ``errors_NAME`` and ``reference_words_NAME``.
    """

    rules: tuple[str, ...] = ()
    direction: Direction = "neither"

    def columns_of(self, table: Table) -> Floats:
        """Errors under each rule, then words said under each."""
        names = [f"{kind}_{rule}" for kind in ("errors", "reference_words") for rule in self.rules]
        return np.stack([table.numbers(name) for name in names], axis=1)

    def score(self, totals: Floats) -> Floats:
        """The spread of sums."""
        errors, words = np.split(totals, 2, axis=1)
        rates = ratio_of(errors, words)
        return np.asarray(rates.max(axis=1) - rates.min(axis=1))

    @property
    def why_undefined(self) -> str:
        """A rate is missing."""
        return "under one of the rules no word was said"


def ratio_of(numerators: Floats, denominators: Floats) -> Floats:
    """Elementwise ratio; NaN where the denominator is not above zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominators > 0, numerators / denominators, np.nan))
