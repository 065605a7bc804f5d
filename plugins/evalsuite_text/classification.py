"""Labels of a classifier against the right ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Classify, Metric, Probe, Proportion, Sample


@dataclass(frozen=True)
class Classification(Probe):
    """Compare a classifier's most probable label with the field ``label``."""

    name: ClassVar[str] = "text/classification"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Classify,)
    fields: ClassVar[Any] = ("text", "label")
    card: ClassVar[Card] = Card(
        measures="How often the most probable label is the right one, and the recall of each.",
        does_not_measure="Whether the label was found for a good reason.",
        reference="Accuracy and recall as in ISO/IEC TS 4213:2022",
        critique="Accuracy rewards the majority label where labels are unbalanced.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct",
            name="accuracy",
            by="target",
            chance="chance",
            direction="higher is better",
            primary=True,
        ),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify; a label that the model does not have can never be right, which is an error."""
        found = yield Classify(str(sample["text"]))
        target = str(sample["label"])
        if target not in found.labels:
            raise ValueError(
                f"the label {target!r} is not among the model's: {', '.join(found.labels)}"
            )
        return {
            "correct": found.label == target,
            "predicted": found.label,
            "target": target,
            "probability": found.probability(target),
            "chance": 1 / len(found.labels),
            "group": sample.get("group"),
        }
