"""How large a mean difference is beside the spread of the differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import bootstrap_interval


@dataclass(frozen=True)
class StandardisedEffect:
    """Mean of a column divided by its standard deviation (Cohen's d of paired differences).

    Range: all numbers; 0 without an effect, about 0.2 small, 0.8 large (Cohen 1988). Interval:
    percentile bootstrap over rows or clusters. Undefined: fewer than two values, or no spread.

    Attributes:
        column: The differences; rows without a value are left out.
        name: What the report calls it.
        clusters: Column of the resampling unit; rows without it.
        margin: Smallest effect that matters.
        primary: Whether the scorecard shows it.
    """

    column: str = "log_odds"
    name: str = "standardised effect"
    clusters: str | None = None
    margin: float = 0.0
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        numbers = table.numbers(self.column)
        kept = np.isfinite(numbers)
        values = numbers[kept]
        if len(values) < 2 or values.std(ddof=1) == 0:
            reason = "fewer than two pairs, or no spread"
            return [undefined(self.name, reason, n=len(values), is_primary=self.primary)]
        clusters = None
        if self.clusters and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters][kept]])
        interval = bootstrap_interval(values, _effects, clusters=clusters, rng=rng)
        return [
            Estimate(
                self.name,
                float(values.mean() / values.std(ddof=1)),
                interval.low,
                interval.high,
                method=interval.method,
                unit=(self.clusters or "sample") if clusters is not None else "sample",
                n=len(values),
                direction="closer to null is better",
                null=Null(0.0, self.margin, why="no preference"),
                is_primary=self.primary,
            )
        ]


def _effects(values: Any, counts: Any) -> Any:
    """Mean over deviation of rows drawn ``counts`` [draws, rows] times, [draws]."""
    n = counts.sum(axis=1)
    mean = counts @ values / n
    variance = (counts @ values**2 / n - mean**2) * n / np.maximum(n - 1, 1)
    return mean / np.sqrt(np.maximum(variance, 1e-300))
