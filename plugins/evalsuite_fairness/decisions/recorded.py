"""Group fairness of decisions that are already in the data: no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Metric, Probe, Sample, UsageError
from evalsuite_fairness.decisions.deciding import Words, words
from evalsuite_fairness.decisions.group_fairness import CARD, groups_of, outcome_of
from evalsuite_fairness.metrics.disparities import DecisionDisparities


@dataclass(frozen=True)
class RecordedDecisions(Probe):
    """Compare recorded decisions with what came to be, by group.

    Args:
        prediction: Field of the recorded score or decision.
        label: Field of the outcome.
        group: Field that tells groups apart, or several: then also their intersections.
        threshold: A score of at least this is a positive decision.
        positive: When given, the decision is positive where it equals this text.
        minimum: Fewest people, positives and negatives that a group must have.
        outcome: Values of ``label`` that are the positive outcome; without them it is 0 or 1.
        cluster_by: Field of the resampling unit, where people occur several times.
        margin: A departure from the mean of permuted groups that does not matter.
    """

    prediction: str = "prediction"
    label: str = "label"
    group: Words = "group"
    threshold: float = 0.5
    positive: str = ""
    minimum: int = 30
    outcome: Words = ()
    cluster_by: str = ""
    margin: float = 0.02

    name: ClassVar[str] = "fairness/recorded-decisions"
    family: ClassVar[Any] = "fairness"
    needs: ClassVar[Any] = ()
    fields: ClassVar[Any] = ()
    card: ClassVar[Card] = CARD

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """One metric that gives several estimates."""
        columns = words(self.group)
        shown = columns if len(columns) > 1 else ("group",)
        return (DecisionDisparities(self.minimum, shown, self.cluster_by or None, self.margin),)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Read the row; nothing is asked."""
        recorded = sample[self.prediction]
        facts: dict[str, Any] = {
            "label": outcome_of(sample, self.label, self.outcome),
            "decision": int(self._decided(recorded)),
            **groups_of(sample, words(self.group)),
        }
        if self.cluster_by:
            facts[self.cluster_by] = str(sample[self.cluster_by])
        return facts
        yield  # makes this a generator

    def _decided(self, recorded: Any) -> bool:
        if self.positive:
            return str(recorded) == self.positive
        try:
            return float(recorded) >= self.threshold
        except (TypeError, ValueError):
            raise UsageError(
                f"the recorded value {recorded!r} is no number to compare with the threshold; name "
                "the text of the positive decision with the option `positive`"
            ) from None
