"""Disparities of binary decisions between the groups of each column, and of their intersections."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.sliced import BETWEEN, Direction
from evalsuite.statistics import (
    BootstrapDistribution,
    Disparity,
    GroupTable,
    accuracy_difference,
    benjamini_hochberg,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    equalized_odds_ratio,
    group_rates,
    proportion_interval,
    worst_group_accuracy,
)
from evalsuite_fairness.metrics.decision_counts import (
    DecisionCounts,
    Floats,
    Rates,
    low_over_high,
    lowest,
    spread,
)

HEADLINE = "equalized odds difference"


@dataclass(frozen=True)
class Kind:
    """One disparity: of MetricFrame's rates, and the same of many resamples' rates at once."""

    of_table: Callable[[GroupTable], Disparity]
    of_rates: Callable[[Rates], Floats]
    is_lower_fairer: bool = True


KINDS = {
    HEADLINE: Kind(
        equalized_odds_difference,
        lambda r: np.maximum(spread(r.true_positive), spread(r.false_positive)),
    ),
    "mean odds difference": Kind(
        partial(equalized_odds_difference, agg="mean"),
        lambda r: (spread(r.true_positive) + spread(r.false_positive)) / 2,
    ),
    "equalized odds ratio": Kind(
        equalized_odds_ratio,
        lambda r: np.minimum(low_over_high(r.true_positive), low_over_high(r.false_positive)),
        False,
    ),
    "equal opportunity difference": Kind(
        equal_opportunity_difference, lambda r: spread(r.true_positive)
    ),
    "demographic parity difference": Kind(
        demographic_parity_difference, lambda r: spread(r.selection)
    ),
    "demographic parity ratio": Kind(
        demographic_parity_ratio, lambda r: low_over_high(r.selection), False
    ),
    "accuracy difference": Kind(accuracy_difference, lambda r: spread(r.accuracy)),
    "worst group accuracy": Kind(worst_group_accuracy, lambda r: lowest(r.accuracy), False),
}
# Column of the rate, its name in a report, what it is a share of, and which way is better.
SHARES: tuple[tuple[str, str, str, Direction], ...] = (
    ("false_positive_rate", "false positive rate", "n_negative", "lower is better"),
    ("false_negative_rate", "false negative rate", "n_positive", "lower is better"),
    ("selection_rate", "selection rate", "n", "neither"),
    ("accuracy", "accuracy", "n", "higher is better"),
)


@dataclass(frozen=True)
class DecisionDisparities:
    """Disparities between groups, and every group's rates.

    Point values come from fairlearn's MetricFrame, with NaN and a reason where a group has too few
    positives or negatives (MetricFrame alone says 0, and finds that group the worst of all).
    Intervals resample people, or whole clusters, within groups; those of rates are exact for
    independent rows. The null of every disparity is its mean when groups are permuted: largest
    minus smallest lies above 0 in a finite sample however alike the groups are.

    With several columns the whole is the intersection of all, and each column has estimates of its
    own (slice ``groups=COLUMN``); p-values are adjusted over these (Benjamini and Hochberg 1995).
    Parity and odds are never averaged: they cannot both hold where base rates differ.

    Attributes:
        minimum: Fewest people, positives and negatives that a group must have.
        groups: Columns that tell groups apart.
        clusters: Column of the resampling unit; rows without it.
        margin: A departure from the null that does not matter.
        unit: What a row is called.
    """

    minimum: int
    groups: tuple[str, ...] = ("group",)
    clusters: str | None = None
    margin: float = 0.02
    unit: str = "person"
    name: str = HEADLINE
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Disparities by each way to form groups, then rates by group."""
        decided = ~np.isnan(table.numbers("decision"))
        part = table.where(decided)
        if part.n == 0:
            reason = f"no reply out of {table.n} is a decision: nothing to compare, and not fair"
            return [undefined(name, reason, is_primary=name == HEADLINE) for name in KINDS]
        axes = {column: [str(item) for item in part[column]] for column in self.groups}
        if len(axes) > 1:
            joint = [BETWEEN.join(labels) for labels in zip(*axes.values())]
            axes = {BETWEEN.join(axes): joint, **axes}
        disparities: list[Estimate] = []
        rates: list[Estimate] = []
        for place, (axis, labels) in enumerate(axes.items()):
            axis_table = self._axis(part, labels)
            slice_name = f"groups={axis}" if place else ""
            disparities += self._disparities(part, labels, axis_table, slice_name, rng)
            rates += self._rates(part, labels, axis_table, axis, rng)
        return [*adjusted(disparities), *rates]

    def _axis(self, table: Table, labels: list[str]) -> GroupTable:
        return group_rates(
            table.numbers("label").astype(int),
            table.numbers("decision").astype(int),
            np.array(labels, dtype=object),
            min_group_size=self.minimum,
            min_positives=self.minimum,
            min_negatives=self.minimum,
        )

    def _clusters(self, table: Table) -> Any:
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters]])

    def _disparities(
        self,
        table: Table,
        labels: list[str],
        by_group: GroupTable,
        slice_name: str,
        rng: np.random.Generator,
    ) -> Iterator[Estimate]:
        names = [rates.group for rates in by_group.groups]
        clusters = self._clusters(table)
        counts = DecisionCounts(
            (2 * table.numbers("label") + table.numbers("decision")).astype(int),
            np.array([names.index(label) for label in labels]),
            len(names),
            None if clusters is None else np.unique(clusters, return_inverse=True)[1],
        )
        rate_names = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
        has = {
            rate: ~np.isnan(np.array(list(by_group.rates(rate).values())))  # type: ignore[arg-type]
            for rate in rate_names
        }
        formulas = {
            name: lambda drawn, kind=kind: kind.of_rates(Rates.of(drawn, has))
            for name, kind in KINDS.items()
        }
        resampled, nulls = counts.resampled(rng), counts.nulls(formulas, rng)
        for name, kind in KINDS.items():
            found = kind.of_table(by_group)
            takes_part = [group not in found.excluded for group in names]
            fewest = int(counts.n_units[takes_part].min(initial=len(labels)))
            few = "fewer than two units to resample" if fewest < 2 else None
            replicates = formulas[name](resampled)
            spread_of = BootstrapDistribution(found.value, replicates, np.empty(0), fewest, few)
            yield self._made(name, kind, found, spread_of, nulls[name], table.n, slice_name)

    def _made(
        self,
        name: str,
        kind: Kind,
        found: Disparity,
        spread_of: BootstrapDistribution,
        null: Any,
        n: int,
        slice_name: str,
    ) -> Estimate:
        """One disparity with its interval, beside the values that permuted groups give."""
        interval = spread_of.interval()
        side: Any = "above" if kind.is_lower_fairer else "below"
        why = "mean when groups are permuted"
        facts = {
            "lowest": found.lowest,
            "highest": found.highest,
            "left out": ", ".join(found.excluded) or None,
        }
        if not math.isnan(found.value) and not math.isnan(null.mean):
            tail: Any = "greater" if kind.is_lower_fairer else "less"
            facts |= {"null_sd": null.sd, "p_value": null.p_value(found.value, tail)}
        return Estimate(
            name,
            found.value,
            interval.low,
            interval.high,
            method=interval.described,
            unit=self.clusters or self.unit,
            n=n,
            slice=slice_name,
            direction="lower is better" if kind.is_lower_fairer else "higher is better",
            null=None if math.isnan(null.mean) else Null(null.mean, self.margin, side, why),
            reason=found.reason,
            is_primary=name == HEADLINE and not slice_name and self.primary,
            extra=facts,
        )

    def _rates(
        self,
        table: Table,
        labels: list[str],
        by_group: GroupTable,
        axis: str,
        rng: np.random.Generator,
    ) -> Iterator[Estimate]:
        """Error and selection rates of every group; NaN with a reason where too few define one."""
        label, decision = table.numbers("label"), table.numbers("decision")
        clusters = self._clusters(table)
        for rates in by_group.groups:
            inside = np.array(labels) == rates.group
            hits = {
                "false_positive_rate": (decision == 1, inside & (label == 0)),
                "false_negative_rate": (decision == 0, inside & (label == 1)),
                "selection_rate": (decision == 1, inside),
                "accuracy": (decision == label, inside),
            }
            for column, name, total, direction in SHARES:
                value = float(getattr(rates, column))
                hit, among = hits[column]
                made = Estimate(
                    name,
                    value,
                    unit=self.clusters or self.unit,
                    n=int(getattr(rates, total)),
                    slice=f"{axis}={rates.group}",
                    direction=direction,
                    reason=rates.reason if math.isnan(value) else None,
                )
                if not math.isnan(value):
                    units = None if clusters is None else clusters[among]
                    interval = proportion_interval(hit[among], clusters=units, rng=rng)
                    method = interval.method
                    made = replace(made, low=interval.low, high=interval.high, method=method)
                yield made


def adjusted(estimates: Sequence[Estimate]) -> list[Estimate]:
    """With p-values adjusted over the ways to form groups, separately for each disparity."""
    found = list(estimates)
    for name in KINDS:
        mine = [place for place, one in enumerate(found) if one.metric == name]
        places = [place for place in mine if found[place].extra.get("p_value") is not None]
        if len(places) < 2:
            continue
        raw = [float(found[i].extra["p_value"] or 0) for i in places]
        for i, p_adjusted in zip(places, benjamini_hochberg(raw).tolist(), strict=True):
            facts = {"p_adjusted": p_adjusted, "n_comparisons": len(places)}
            found[i] = replace(found[i], extra={**found[i].extra, **facts})
    return found
