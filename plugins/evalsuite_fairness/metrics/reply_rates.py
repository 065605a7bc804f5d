"""Replies that are no use: several in one record, and figures that mean nothing without others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import Estimate, Metric, Summed, Table, undefined
from evalsuite_fairness.metrics.refusal import RateGap


@dataclass(frozen=True)
class IfAnswered:
    """Another metric, undefined where no reply of the job is an answer.

    A model that refuses everything, or is silent, is equally wrong for all groups: a gap of 0 that
    nobody should call fair.

    Attributes:
        metric: What is estimated.
        column: 1 where a record holds no answer at all.
    """

    metric: Metric
    column: str

    @property
    def name(self) -> str:
        """That of the metric."""
        return self.metric.name

    @property
    def primary(self) -> bool:
        """That of the metric."""
        return bool(getattr(self.metric, "primary", False))

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The metric's estimates, or one that is undefined."""
        n = self._n_useless(table)
        if not n:
            return self.metric.estimate(table, rng)
        reason = f"none of {n} replies is an answer: nothing to compare, and not fair"
        return [undefined(self.name, reason, n=n, is_primary=self.primary)]

    def summed(self, table: Table) -> Iterable[Summed]:
        """As the metric's own figures follow from sums; nothing where no reply is an answer."""
        follows = getattr(self.metric, "summed", None)
        return follows(table) if follows and not self._n_useless(table) else ()

    def _n_useless(self, table: Table) -> int:
        """How many replies there are where none is an answer; 0 where one is."""
        unanswered = table.numbers(self.column)
        unanswered = unanswered[~np.isnan(unanswered)]
        return len(unanswered) if len(unanswered) and unanswered.min() >= 1 else 0


@dataclass(frozen=True, kw_only=True)
class UnfoldedRateGap(RateGap):
    """A gap of rates where every record holds one reply for each of several groups.

    ``column`` holds vectors of rates, one entry a reply, and ``group`` their groups in the same
    order. Groups are permuted within the records, or within whole clusters of them: replies to the
    same input are compared with one another. Undefined: as of :class:`RateGap`.
    """

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The gap, then the rate of every group, over all replies."""
        rates = [np.asarray(one, dtype=float) for one in table[self.column]]
        sizes = [len(one) for one in rates]
        columns: dict[str, Any] = {
            self.column: np.concatenate(rates),
            self.group: np.array([str(g) for groups in table[self.group] for g in groups]),
        }
        units = np.arange(table.n)
        if self.clusters is not None and self.clusters in table.columns:
            units = np.array([str(item) for item in table[self.clusters]])
        unit = self.clusters or "input"
        columns[unit] = np.repeat(units, sizes)
        rows = Table(columns, sum(sizes), table.n_failed)
        gap = RateGap(
            self.column,
            self.group,
            name=self.name,
            clusters=unit,
            min_group_size=self.min_group_size,
            margin=self.margin,
            higher_is_worse=self.higher_is_worse,
            primary=self.primary,
        )
        return gap.estimate(rows, rng)
