"""Precision, recall, F1 and share of yes over yes/no answers, with intervals.

All read the columns ``said_yes`` (1, 0, or 0.5 where yes and no tie) and ``is_yes`` (the label),
so that counts are expected counts when ties are broken at random. Range [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalsuite import Null, Table
from evalsuite_vision.metrics.totals import Floats, TotalsMetric

ALWAYS_YES = "always yes"


def _ratio(numerators: Floats, denominators: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominators > 0, numerators / denominators, np.nan))


@dataclass(frozen=True, kw_only=True)
class YesNoMetric(TotalsMetric):
    """Base: sums of true yes, said yes and right yes, and the rows."""

    def columns_of(self, table: Table) -> Floats:
        """Said yes, labelled yes, both, and one for each row."""
        said, label = table.numbers("said_yes"), table.numbers("is_yes")
        return np.stack([said, label, said * label, np.ones(table.n)], axis=1)

    def _share_of_yes(self, table: Table) -> float:
        return float(table.numbers("is_yes").mean())


@dataclass(frozen=True, kw_only=True)
class YesPrecision(YesNoMetric):
    """Right yes over all yes. Null: the share of yes labels. Undefined: yes is never said."""

    def score(self, totals: Floats) -> Floats:
        """Precision of sums."""
        return _ratio(totals[:, 2], totals[:, 0])

    def null_of(self, table: Table) -> Null:
        """What saying yes always gets."""
        return Null(self._share_of_yes(table), self.margin, "above", ALWAYS_YES)

    @property
    def why_undefined(self) -> str:
        """There is nothing to be right."""
        return "the model never says yes"


@dataclass(frozen=True, kw_only=True)
class YesRecall(YesNoMetric):
    """Right yes over all yes labels; saying yes always gets 1. Undefined: no label is yes."""

    def score(self, totals: Floats) -> Floats:
        """Recall of sums."""
        return _ratio(totals[:, 2], totals[:, 1])

    @property
    def why_undefined(self) -> str:
        """There is nothing to find."""
        return "no label is yes"


@dataclass(frozen=True, kw_only=True)
class YesF1(YesNoMetric):
    """Twice the right yes over said and labelled yes; 0 where yes is never said.

    Null: with b the share of yes labels, 2b / (1 + b), which saying yes always gets. Undefined:
    no label is yes.
    """

    def score(self, totals: Floats) -> Floats:
        """F1 of sums."""
        found = _ratio(2 * totals[:, 2], totals[:, 0] + totals[:, 1])
        return np.asarray(np.where(totals[:, 1] > 0, found, np.nan))

    def null_of(self, table: Table) -> Null:
        """What saying yes always gets."""
        share = self._share_of_yes(table)
        return Null(2 * share / (1 + share), self.margin, "above", ALWAYS_YES)

    @property
    def why_undefined(self) -> str:
        """There is nothing to find."""
        return "no label is yes"


@dataclass(frozen=True, kw_only=True)
class YesRatio(YesNoMetric):
    """Share of answers that are yes; best at its null, the share of yes labels."""

    def score(self, totals: Floats) -> Floats:
        """Share of sums."""
        return _ratio(totals[:, 0], totals[:, 3])

    def null_of(self, table: Table) -> Null:
        """As often as it is true."""
        return Null(self._share_of_yes(table), self.margin, "both", "the share of yes labels")
