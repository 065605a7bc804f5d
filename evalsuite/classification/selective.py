"""Whether a model knows when it is wrong: risk of the answers that it is surest of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite.metric import Direction, Estimate, Null, Table
from evalsuite.statistics import (
    accuracy_at_coverage,
    area_under_risk_coverage,
    bootstrap_interval,
    by_repetition,
    least_area_under_risk_coverage,
)


@dataclass(frozen=True)
class SelectiveRisk:
    """Area under the risk-coverage curve (AURC), and accuracy at chosen coverages.

    Formula: mean over k of the share of errors among the k surest answers; range [0, 1], lower is
    better. The null is the error rate, which confidences that say nothing give; ``least`` in the
    estimate's facts is the area of an oracle that puts every error last, ``excess`` the area above
    it. Interval: bootstrap over samples or clusters. Reference: Geifman et al. 2019 (1805.08206).

    Attributes:
        coverages: Shares of the answers kept, the surest ones, for which accuracy is told.
        clusters: Column of the resampling unit.
    """

    coverages: tuple[float, ...] = (0.5, 0.8)
    clusters: str | None = None
    name: str = "area under the risk-coverage curve"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The area, then the accuracy at each coverage."""
        pairs = np.stack([table.numbers("confidence"), table.numbers("correct")], axis=1)
        return list(self._estimates(pairs, self._units(table), rng))

    def _units(self, table: Table) -> Any:
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters]])

    def _estimates(self, pairs: Any, units: Any, rng: np.random.Generator) -> Iterator[Estimate]:
        area = area_under_risk_coverage(pairs[:, 0], pairs[:, 1])
        least = least_area_under_risk_coverage(pairs[:, 1])
        risk = float(1 - pairs[:, 1].mean())
        yield self._one(
            pairs,
            units,
            rng,
            self.name,
            lambda rows: area_under_risk_coverage(rows[:, 0], rows[:, 1]),
            direction="lower is better",
            null=Null(risk, side="below", why="confidences that say nothing"),
            is_primary=self.primary,
            extra={"least": least, "excess": area - least},
        )
        for coverage in self.coverages:
            yield self._one(
                pairs,
                units,
                rng,
                f"accuracy on the surest {100 * coverage:g} %",
                lambda rows, share=coverage: accuracy_at_coverage(rows[:, 0], rows[:, 1], share),
                direction="higher is better",
                null=Null(1 - risk, side="above", why="confidences that say nothing"),
            )

    def _one(
        self, pairs: Any, units: Any, rng: np.random.Generator, name: str, score: Any, **facts: Any
    ) -> Estimate:
        direction: Direction = facts.pop("direction")
        interval = bootstrap_interval(
            pairs, by_repetition(score), clusters=units, rng=rng, resamples=500
        )
        return Estimate(
            name,
            score(pairs),
            interval.low,
            interval.high,
            method=interval.described,
            unit=self.clusters or "sample",
            n=len(pairs),
            direction=direction,
            **facts,
        )
