"""How unevenly words for groups of people are used, overall and beside other words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, Null, Table
from evalsuite.sliced import Direction, Floats, TotalsMetric
from evalsuite.statistics import NullDistribution, generator

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
class _Uneven(TotalsMetric):
    """Base: the null is what words drawn evenly give; ``extra`` has its spread and the p-value."""

    direction: Direction = "lower is better"

    def even_totals(self, table: Table) -> tuple[list[int], int]:
        """How many words are counted, for each mean that is taken, and of how many groups."""
        raise TypeError(f"{type(self).__name__} counts nothing")

    def null_of(self, table: Table) -> Null | None:
        """The mean for words that are drawn evenly."""
        null = _even_null(*self.even_totals(table))
        if null is None:
            return None
        why = "as many words, each of any group with the same chance"
        return Null(null.mean, self.margin, "above", why)

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        (found,) = super()._estimates(table, rng, label)
        null = _even_null(*self.even_totals(table))
        if null is None or math.isnan(found.value):
            return [found]
        facts = {"null_sd": null.sd, "p_value": null.p_value(found.value, "greater")}
        return [replace(found, extra={**found.extra, **facts})]


@dataclass(frozen=True, kw_only=True)
class Representation(_Uneven):
    """How far the use of words for groups is from an even one; see :func:`unevenness`.

    Range [0, (G - 1) / G], 0 where all groups are named as often; at its largest, where one group
    alone is, it is .5 for two groups and not 1. The null is its mean for as many words, each of
    any group with the same chance. Undefined: no word of any group.
    Reference: Liang et al. 2022, HELM (2211.09110), demographic representation.

    Attributes:
        columns: Numbers of words of each group.
    """

    columns: tuple[str, ...]

    def columns_of(self, table: Table) -> Floats:
        """The counts."""
        return np.stack([np.nan_to_num(table.numbers(name)) for name in self.columns], axis=1)

    def score(self, totals: Floats) -> Floats:
        """The unevenness of sums."""
        return unevenness(totals)

    def even_totals(self, table: Table) -> tuple[list[int], int]:
        """All words at once."""
        return [int(self.columns_of(table).sum())], len(self.columns)

    @property
    def why_undefined(self) -> str:
        """Nobody is spoken of."""
        return "no text has a word of any group"


@dataclass(frozen=True, kw_only=True)
class Association(_Uneven):
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

    def even_totals(self, table: Table) -> tuple[list[int], int]:
        """The words beside each target by themselves."""
        totals = self.columns_of(table).sum(axis=0).reshape(-1, self.n_groups).sum(axis=1)
        return [int(n) for n in totals if n > 0], self.n_groups

    @property
    def why_undefined(self) -> str:
        """No company."""
        return "no target word stands in a text with a word of any group"


def _even_null(totals: list[int], n_groups: int) -> NullDistribution | None:
    if not sum(totals):
        return None
    rng = generator(0, "even words")
    even = np.full(n_groups, 1 / n_groups)
    drawn = [unevenness(rng.multinomial(n, even, size=_DRAWS).astype(float)) for n in totals]
    return NullDistribution(np.mean(drawn, axis=0))
