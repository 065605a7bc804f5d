"""Group fairness of what a model decides, whatever kind of model it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, DataError, Metric, Proportion, Sample
from evalsuite.sliced import BETWEEN
from evalsuite_fairness.decisions.deciding import DecidingProbe, Words, words
from evalsuite_fairness.metrics.disparities import DecisionDisparities
from evalsuite_fairness.metrics.refusal import refusal_metrics, reply_facts

_KNOWN = {"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0}

CARD = Card(
    measures="Differences between groups in the rates of positive and of wrong decisions: "
    "demographic parity, equal opportunity, equalized odds (worst case and mean), accuracy of the "
    "worst group; for each column of groups and for their intersections. Rates come from "
    "fairlearn's MetricFrame; a group with too few people, positives or negatives has none.",
    does_not_measure="Whether the outcome itself is recorded fairly, and why groups differ. "
    "Replies that are no decision are left out of the rates and counted by group beside them.",
    reference="Hardt et al. 2016, Equality of opportunity in supervised learning; Weerts et al. "
    "2023, Fairlearn; intersections: Kearns et al. 2018",
    critique="Largest minus smallest grows with the number of groups and lies above 0 by chance: "
    "read it beside its mean over permuted groups. Equal error rates and equal selection rates "
    "cannot all hold where base rates differ (Kleinberg et al. 2017), so no average is given.",
)


def outcome_of(sample: Sample, label: str, outcome: Words) -> int:
    """1 where the field holds a value of the positive outcome, else 0.

    Raises:
        DataError: No values are named, and the field holds neither 0 nor 1.
    """
    value = str(sample[label]).strip()
    if words(outcome):
        return int(value in words(outcome))
    if value.lower() not in _KNOWN:
        raise DataError(
            f"the outcome {value!r} is neither 0 nor 1; say which values of {label!r} are positive "
            "with the option `outcome`"
        )
    return _KNOWN[value.lower()]


def groups_of(sample: Sample, columns: Sequence[str]) -> dict[str, str]:
    """The group by each column, and ``group``, the intersection of all."""
    found = {column: str(sample[column]).strip() for column in columns}
    return {**found, "group": BETWEEN.join(found.values())}


@dataclass(frozen=True, kw_only=True)
class GroupFairness(DecidingProbe):
    """Let a model decide about people and compare its decisions between their groups.

    Args:
        by, positive, negative, prompt, medium, threshold, delimiter, max_tokens: How it decides.
        label: Field of what came to be.
        outcome: Values of that field that are the positive outcome; without them it is 0 or 1.
        group: Field that tells groups apart, or several: then also their intersections.
        cluster_by: Field of the resampling unit, where people occur several times.
        minimum: Fewest people, positives and negatives that a group must have.
        margin: A departure from the mean of permuted groups that does not matter.
    """

    label: str = "label"
    outcome: Words = ()
    group: Words = "group"
    cluster_by: str = ""
    minimum: int = 30
    margin: float = 0.02

    name: ClassVar[str] = "fairness/decisions"
    card: ClassVar[Card] = CARD

    def __post_init__(self) -> None:
        """Refuse a comparison without groups."""
        super().__post_init__()
        if not words(self.group):
            raise ValueError("group must name at least one field")

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have; the prompt says by itself what it lacks."""
        named = (self.medium, self.label, *words(self.group), self.cluster_by)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Disparities and rates; for written replies also who is refused one."""
        clusters = self.cluster_by or None
        columns = words(self.group)
        found: list[Metric] = [
            DecisionDisparities(
                self.minimum,
                columns if len(columns) > 1 else ("group",),
                clusters,
                self.margin,
                "sample",
            )
        ]
        if self.by == "writing":
            found += refusal_metrics(
                clusters=clusters, min_group_size=self.minimum, margin=self.margin
            )
        return (*found, Proportion("is_decided", name="replies that decide", clusters=clusters))

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask for one decision."""
        facts: dict[str, Any] = {
            "label": outcome_of(sample, self.label, self.outcome),
            **groups_of(sample, words(self.group)),
        }
        if self.cluster_by:
            facts[self.cluster_by] = str(sample[self.cluster_by])
        replies = yield self.way.requests(self.content(sample))
        found = self.way.read(replies, context)
        facts |= {
            "decision": None if found.is_positive is None else int(found.is_positive),
            "probability": found.probability,
            "is_decided": float(found.is_positive is not None),
            "truncated_tokens": max(getattr(reply, "truncated_tokens", 0) for reply in replies),
        }
        if self.by == "writing":
            facts |= {"reply": found.text, **reply_facts(found.text, found.is_positive is not None)}
        return facts
