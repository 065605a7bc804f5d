"""How much the wording of a prompt changes the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite.metric import Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import bootstrap_interval
from evalsuite.summing import of_sums, ratio_columns

# Two wordings with the same true accuracy differ a little on any sample.
NO_SPREAD = Null(0.0, margin=0.02, side="above", why="the wording changes nothing")

# What is made of the means of the wordings, on the last axis: a name, how, and how it is judged.
SUMMARIES: tuple[tuple[str, Callable[[Any], Any], Any, Any], ...] = (
    ("spread", lambda means: means.max(-1) - means.min(-1), "lower is better", NO_SPREAD),
    ("worst", lambda means: means.min(-1), "higher is better", None),
    ("best", lambda means: means.max(-1), "higher is better", None),
    ("mean", lambda means: means.mean(-1), "higher is better", None),
)


@dataclass(frozen=True)
class Wordings:
    """Mean, worst, best and spread of the result over wordings, and how often wordings agree.

    Spread is the best wording's mean minus the worst's, range [0, 1], lower is steadier; it has a
    floor above zero from chance alone, and the bootstrap interval is that of the observed spread.
    Agreement is the share of samples with the same outcome under all wordings. Undefined without
    samples. Reference: Sclar et al. 2024, ICLR (spread over formats).

    Attributes:
        count: How many wordings.
        clusters: Column of the resampling unit.
    """

    count: int
    clusters: str | None = None
    name: str = "over wordings"
    column: ClassVar[str] = "outcome_of_wording_"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Spread, worst, best and mean over wordings, agreement, and each wording's mean."""
        values = self.values(table)
        kept = ~np.isnan(values).any(axis=1)
        values = values[kept]
        if not len(values):
            return [undefined(f"spread {self.name}", "no sample was answered in every wording")]
        clusters = None
        if self.clusters and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters]])[kept]
        found = [
            self._made(f"{label} {self.name}", values, clusters, function, rng, direction, null)
            for label, function, direction, null in SUMMARIES
        ]
        same = (values == values[:, :1]).all(axis=1, keepdims=True).astype(float)
        found.append(
            self._made(
                f"agreement {self.name}",
                same,
                clusters,
                lambda m: m[..., 0],
                rng,
                "higher is better",
            )
        )
        return found

    def summed(self, table: Table) -> Iterator[Summed]:
        """How all of them follow from sums over the samples that have every wording."""
        values = self.values(table)
        kept = ~np.isnan(values).any(axis=1)
        same = (values == values[:, :1]).all(axis=1).astype(float)
        columns = np.where(kept[:, None], np.column_stack([values, np.ones(len(values))]), 0.0)
        for label, function, _, _ in SUMMARIES:

            def score(totals: Any, function: Callable[[Any], Any] = function) -> Any:
                with np.errstate(divide="ignore", invalid="ignore"):
                    return function(totals[:, :-1] / totals[:, -1:])

            yield Summed(f"{label} {self.name}", "", columns, score)
        agreement = ratio_columns(np.where(kept, same, np.nan))
        yield Summed(f"agreement {self.name}", "", agreement, of_sums, is_mean=True)

    def values(self, table: Table) -> Any:
        """Outcome of every sample in every wording [samples, wordings]."""
        return np.stack([table.numbers(f"{self.column}{i}") for i in range(self.count)], axis=1)

    def _made(
        self,
        name: str,
        values: Any,
        clusters: Any,
        function: Callable[[Any], Any],
        rng: np.random.Generator,
        direction: Any,
        null: Null | None = None,
    ) -> Estimate:
        def statistic(rows: Any, weights: Any) -> Any:
            """The function of the weighted means over wordings, for each resample."""
            return function(weights @ rows / weights.sum(-1, keepdims=True))

        interval = bootstrap_interval(values, statistic, clusters=clusters, rng=rng)
        return Estimate(
            metric=name,
            value=float(function(values.mean(axis=0))),
            low=interval.low,
            high=interval.high,
            level=interval.level,
            method=interval.described,
            unit=self.clusters or "sample",
            n=len(values),
            direction=direction,
            null=null,
            extra={"wordings": float(values.shape[1])},
        )
