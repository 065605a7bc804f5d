"""Metrics over the samples that were tested, each with the reason where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, Null, Proportion, Table, undefined
from evalsuite.zero_shot import MeanPerClassRecall

# Records carry under this name why a column has no value.
WHY_NOT = "why_not_{}"


@dataclass(frozen=True)
class Accuracy(Proportion):
    """Share of the tested samples whose class is right, ties for their expected credit.

    Range [0, 1]; higher is better. Rows without a value (those learned from) are not counted.
    Undefined: nothing was tested, for the reason that the records give.
    """

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, then the slices."""
        reason = why_not(table, self.column)
        if reason:
            return [undefined(self.name, reason, direction=self.direction, is_primary=self.primary)]
        kept = ~np.isnan(table.numbers(self.column))
        return super().estimate(table.where(kept) if kept.any() else table, rng)


@dataclass(frozen=True)
class Recall:
    """Mean over classes of the share of a class's tested samples that are right; range [0, 1].

    The null is one over the number of tested classes, which any constant answer gets.
    Undefined: nothing was tested.
    """

    name: str = "mean per-class recall"
    column: str = "correct"
    margin: float = 0.02
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        kept = ~np.isnan(table.numbers(self.column))
        reason = why_not(table, self.column) or ("" if kept.any() else "no sample was tested")
        if reason:
            return [undefined(self.name, reason, direction="higher is better")]
        tested = table.where(kept)
        classes = len({str(name) for name in tested["target"]})
        null = Null(1 / classes, self.margin, "above", "the same answer to every sample")
        made = MeanPerClassRecall(self.name).estimate(tested, rng)
        return [replace(estimate, null=null) for estimate in made]


def why_not(table: Table, column: str) -> str:
    """The reason that the records give for a column without values; empty where there is none."""
    name = WHY_NOT.format(column)
    if name not in table.columns:
        return ""
    return next((str(reason) for reason in table[name] if reason), "")
