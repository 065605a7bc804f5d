"""Group fairness of decisions that are already in the data: no model is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Estimate, Metric, Null, Probe, Sample, Table, UsageError
from evalsuite.statistics import (
    bootstrap_interval,
    clopper_pearson,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    group_rates,
)

_DISPARITIES: tuple[tuple[str, Any, float], ...] = (
    ("equalized odds difference", equalized_odds_difference, 0.0),
    ("equal opportunity difference", equal_opportunity_difference, 0.0),
    ("demographic parity difference", demographic_parity_difference, 0.0),
    ("demographic parity ratio", demographic_parity_ratio, 1.0),
)


@dataclass(frozen=True)
class DecisionDisparities:
    """Disparities between groups, and every group's rates.

    Point values come from fairlearn's MetricFrame, with NaN and a reason where a group has too few
    positives or negatives (MetricFrame alone would say 0). Intervals of disparities resample
    people within groups; those of rates are exact.
    """

    minimum: int
    name: str = "decision disparities"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Disparities first, then rates by group."""
        label = table.numbers("label").astype(int)
        decision = table.numbers("decision").astype(int)
        groups = np.array([str(item) for item in table["group"]])
        rates = self._rates(label, decision, groups)
        return [
            *self._disparities(label, decision, groups, rates, rng),
            *self._group_rates(rates),
        ]

    def _rates(self, label: Any, decision: Any, groups: Any) -> Any:
        return group_rates(
            label,
            decision,
            groups,
            min_group_size=self.minimum,
            min_positives=self.minimum,
            min_negatives=self.minimum,
        )

    def _disparities(
        self, label: Any, decision: Any, groups: Any, rates: Any, rng: np.random.Generator
    ) -> Iterator[Estimate]:
        kept = [group.group for group in rates.groups if group.reason is None]
        codes = np.array([kept.index(g) if g in kept else -1 for g in groups])
        columns = np.stack([label, decision, codes], axis=1)
        for name, function, null in _DISPARITIES:
            found = function(rates)

            def statistic(values: Any, counts: Any, name: str = name) -> Any:
                return weighted_disparity(name, values, counts, len(kept))

            interval = bootstrap_interval(columns, statistic, strata=groups, rng=rng)
            yield Estimate(
                name,
                found.value,
                interval.low,
                interval.high,
                method=interval.method,
                unit="person",
                n=len(label),
                direction="closer to null is better",
                null=Null(null, margin=0.02, why="the same rates in every group"),
                reason=found.reason,
                is_primary=name == "equalized odds difference",
                extra={
                    "lowest": found.lowest,
                    "highest": found.highest,
                    "left out": ", ".join(found.excluded) or None,
                },
            )

    def _group_rates(self, rates: Any) -> Iterator[Estimate]:
        for group in rates.groups:
            for name, value, n in (
                ("false positive rate", group.false_positive_rate, group.n_negative),
                ("false negative rate", group.false_negative_rate, group.n_positive),
                ("selection rate", group.selection_rate, group.n),
                ("accuracy", group.accuracy, group.n),
            ):
                interval = clopper_pearson(0 if math.isnan(value) else round(value * n), n)
                defined = not math.isnan(value)
                yield Estimate(
                    name,
                    value,
                    interval.low if defined else math.nan,
                    interval.high if defined else math.nan,
                    method=interval.method,
                    unit="person",
                    n=n,
                    slice=f"group={group.group}",
                    reason=None if defined else "too few people of the kind in this group",
                )


def weighted_disparity(name: str, values: Any, counts: Any, n_groups: int) -> Any:
    """A disparity on resamples given as counts: vectorised, equal to the plain one in value.

    Args:
        name: One of the disparities' names.
        values: Columns outcome, decision and group code (-1 is left out), shape [n, 3].
        counts: How often each person was drawn, shape [draws, n].
        n_groups: Number of groups that take part.

    Returns:
        Shape [draws]; NaN where a group has nobody of the kind.
    """
    outcome, decision, code = values.T.astype(float)
    rates: dict[str, list[Any]] = {"selection": [], "tpr": [], "fpr": []}
    with np.errstate(invalid="ignore", divide="ignore"):
        for group in range(n_groups):
            inside = (code == group).astype(float)
            rates["selection"].append((counts @ (inside * decision)) / (counts @ inside))
            for key, kind in (("tpr", outcome), ("fpr", 1 - outcome)):
                chosen = counts @ (inside * kind * decision)
                rates[key].append(chosen / (counts @ (inside * kind)))
        if n_groups < 2:
            return np.full(len(counts), math.nan)
        spread = {key: np.ptp(np.stack(value), axis=0) for key, value in rates.items()}
        if name == "demographic parity ratio":
            selection = np.stack(rates["selection"])
            return selection.min(axis=0) / selection.max(axis=0)
    return {
        "demographic parity difference": spread["selection"],
        "equal opportunity difference": spread["tpr"],
        "equalized odds difference": np.maximum(spread["tpr"], spread["fpr"]),
    }[name]


@dataclass(frozen=True)
class RecordedDecisions(Probe):
    """Compare recorded decisions with what came to be, by group.

    Args:
        prediction: Field of the recorded score or decision.
        label: Field of the outcome, 0 or 1.
        group: Field that tells groups apart.
        threshold: A score of at least this is a positive decision.
        positive: When given, the decision is positive where it equals this text.
        minimum: Fewest people, positives and negatives that a group must have.
    """

    prediction: str = "prediction"
    label: str = "label"
    group: str = "group"
    threshold: float = 0.5
    positive: str = ""
    minimum: int = 30

    name: ClassVar[str] = "fairness/recorded-decisions"
    family: ClassVar[Any] = "fairness"
    needs: ClassVar[Any] = ()
    fields: ClassVar[Any] = ()
    card: ClassVar[Card] = Card(
        measures="Differences between groups in the rates of wrong and of positive decisions.",
        does_not_measure="Whether the outcome itself is recorded fairly. Equal error rates and "
        "equal selection rates cannot all hold where base rates differ, so no average is given.",
        reference="Hardt et al. 2016, Equality of opportunity in supervised learning; Bird et al. "
        "2020, Fairlearn",
        critique="Largest minus smallest grows with the number of groups.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """One metric that gives several estimates."""
        return (DecisionDisparities(self.minimum),)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Read the row; nothing is asked."""
        outcome = str(sample[self.label]).strip().lower()
        known = {"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}
        if outcome not in known:
            raise UsageError(f"the outcome {outcome!r} is neither 0 nor 1")
        recorded = sample[self.prediction]
        decision = (
            str(recorded) == self.positive if self.positive else float(recorded) >= self.threshold
        )
        return {
            "label": known[outcome],
            "decision": int(decision),
            "group": str(sample[self.group]),
        }
        yield  # makes this a generator
