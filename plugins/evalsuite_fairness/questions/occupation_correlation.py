"""Do the differences between occupations follow the share of women in them?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import bootstrap_interval, by_repetition, permutation_null

Floats = npt.NDArray[np.float64]
_SOURCES = {"female_percent": "labour statistics", "female_percent_text": "text statistics"}
_GAPS = {"gap": "decisions", "probability_gap": "probabilities"}


def correlation(values: Floats, counts: Floats) -> Floats:
    """Pearson's r of two columns [n, 2] for resamples given as counts [draws, n]; [draws].

    NaN where one of the two does not vary.
    """
    x, y = (values - values.mean(axis=0)).T
    n = counts.sum(axis=1)
    mean_x, mean_y = counts @ x / n, counts @ y / n
    covariance = counts @ (x * y) / n - mean_x * mean_y
    spread = (counts @ x**2 / n - mean_x**2) * (counts @ y**2 / n - mean_y**2)
    scale = float(np.var(x) * np.var(y))
    with np.errstate(invalid="ignore", divide="ignore"):
        # Beside the spread of the data themselves, what is this small is rounding.
        return np.where(spread > 1e-20 + 1e-12 * scale, covariance / np.sqrt(spread), math.nan)


def rank_correlation(values: Floats) -> float:
    """Spearman's rho of two columns, [n, 2]; ties get their mean rank."""
    return float(correlation(rankdata(values, axis=0), np.ones((1, len(values))))[0])


def dealt_correlation(first: Floats, second: Floats) -> Floats:
    """Pearson's r of a column [n] with each of many, [draws, n]; [draws]."""
    x, y = first - first.mean(), second - second.mean(axis=1, keepdims=True)
    return np.asarray(y @ x / np.sqrt((x**2).sum() * (y**2).sum(axis=1)))


@dataclass(frozen=True)
class OccupationCorrelation:
    """Correlation over occupations of the mean gap (she - he) with the percentage of women.

    Range [-1, 1]; 0 where the gap does not follow it, 1 where it follows it wholly. The interval
    draws occupations; the p-value and ``null_sd`` deal the percentages to the occupations at
    random. Undefined: fewer than three occupations, or no occupation differs from another.
    Reference: Rudinger et al. 2018, section 4.

    Attributes:
        gap: Column of the differences.
        percent: Column of the percentage of women.
        ranks: Spearman's rho instead of Pearson's r.
    """

    gap: str
    percent: str
    ranks: bool = False
    primary: bool = False

    @property
    def name(self) -> str:
        """What the report calls it."""
        kind = "rank correlation" if self.ranks else "correlation"
        return f"{kind} of {_GAPS.get(self.gap, self.gap)} with {_SOURCES.get(self.percent)}"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        rows = self._by_occupation(table)
        scored = rankdata(rows, axis=0) if self.ranks and len(rows) else rows
        value = math.nan
        if len(rows) >= 3:
            value = float(correlation(scored, np.ones((1, len(rows))))[0])
        if math.isnan(value):
            reason = (
                "fewer than three occupations"
                if len(rows) < 3
                else "she and he differ alike for all occupations, so there is nothing to follow"
            )
            facts: dict[str, Any] = {"n": len(rows), "is_primary": self.primary}
            return [undefined(self.name, reason, direction="closer to null is better", **facts)]
        statistic = by_repetition(rank_correlation) if self.ranks else correlation
        interval = bootstrap_interval(rows, statistic, rng=rng)
        null = permutation_null(
            dealt_correlation, scored[:, 0], scored[:, 1], rng=rng, is_vectorised=True
        )
        return [
            Estimate(
                self.name,
                value,
                interval.low,
                interval.high,
                method=interval.described,
                unit="occupation",
                n=len(rows),
                direction="closer to null is better",
                null=Null(0.0, why="the gap does not follow the share of women"),
                is_primary=self.primary,
                extra={"p_value": null.p_value(value), "null_sd": null.sd},
            )
        ]

    def _by_occupation(self, table: Table) -> Floats:
        """Mean gap and percentage of each occupation that has both, [occupations, 2]."""
        gaps, percents = table.numbers(self.gap), table.numbers(self.percent)
        names = np.array([str(name) for name in table["occupation"]], dtype=object)
        kept = np.isfinite(gaps) & np.isfinite(percents)
        rows = [
            (gaps[kept & (names == name)].mean(), percents[kept & (names == name)].mean())
            for name in sorted(set(names[kept]))
        ]
        return np.array(rows, dtype=float).reshape(-1, 2)
