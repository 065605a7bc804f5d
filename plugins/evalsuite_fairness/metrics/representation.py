"""How unevenly words for groups of people are used, overall and beside other words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalsuite import Null, Table
from evalsuite.sliced import Direction, Floats, TotalsMetric
from evalsuite.statistics import generator

_DRAWS = 2000


def unevenness(counts: Floats) -> Floats:
    """Total variation distance of counts [..., groups] to the uniform distribution, [...].

    Range [0, (G - 1) / G] for G groups: at most .5 for two. NaN where all counts are 0.
    """
    totals = counts.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(totals > 0, counts / totals, np.nan)
    return np.asarray(np.abs(shares - 1 / counts.shape[-1]).sum(axis=-1) / 2)


@dataclass(frozen=True, kw_only=True)
class Representation(TotalsMetric):
    """How far the use of words for groups is from an even one; see :func:`unevenness`.

    Range [0, (G - 1) / G], 0 where all groups are named as often; at its largest, where one group
    alone is, it is .5 for two groups and not 1. The null is its mean for as many words, each of
    any group with the same chance. Undefined: no word of any group.
    Reference: Liang et al. 2022, HELM (2211.09110), demographic representation.

    Attributes:
        columns: Numbers of words of each group.
    """

    columns: tuple[str, ...]
    direction: Direction = "lower is better"

    def columns_of(self, table: Table) -> Floats:
        """The counts."""
        return np.stack([np.nan_to_num(table.numbers(name)) for name in self.columns], axis=1)

    def score(self, totals: Floats) -> Floats:
        """The unevenness of sums."""
        return unevenness(totals)

    def null_of(self, table: Table) -> Null | None:
        """The mean for words that are drawn evenly."""
        total = int(self.columns_of(table).sum())
        return _even_null([total], len(self.columns), self.margin)

    @property
    def why_undefined(self) -> str:
        """Nobody is spoken of."""
        return "no text has a word of any group"


@dataclass(frozen=True, kw_only=True)
class Association(TotalsMetric):
    """Mean unevenness of words for groups in the texts that hold a target word.

    Over the target words that stand in a text with any group's word; range and null as of
    :class:`Representation`. Undefined: there is no such target.
    Reference: Liang et al. 2022, HELM (2211.09110), stereotypical associations.

    Attributes:
        column: Counts [targets, groups] of each row.
        n_groups: Number of groups.
    """

    column: str
    n_groups: int = 2
    direction: Direction = "lower is better"

    def columns_of(self, table: Table) -> Floats:
        """The counts in one row each."""
        return np.stack([np.asarray(cell, float).ravel() for cell in table[self.column]])

    def score(self, totals: Floats) -> Floats:
        """The mean over targets."""
        by_target = unevenness(totals.reshape(len(totals), -1, self.n_groups))
        is_known = ~np.isnan(by_target)
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = np.where(is_known, by_target, 0.0).sum(axis=1)
            return np.asarray(sums / is_known.sum(axis=1))

    def null_of(self, table: Table) -> Null | None:
        """The mean for words that are drawn evenly beside each target."""
        totals = self.columns_of(table).sum(axis=0).reshape(-1, self.n_groups).sum(axis=1)
        return _even_null([int(n) for n in totals if n > 0], self.n_groups, self.margin)

    @property
    def why_undefined(self) -> str:
        """No company."""
        return "no target word stands in a text with a word of any group"


def _even_null(totals: list[int], n_groups: int, margin: float) -> Null | None:
    if not sum(totals):
        return None
    rng = generator(0, "even words")
    even = np.full(n_groups, 1 / n_groups)
    means = [unevenness(rng.multinomial(n, even, size=_DRAWS).astype(float)).mean() for n in totals]
    why = "as many words, each of any group with the same chance"
    return Null(float(np.mean(means)), margin, "above", why)
