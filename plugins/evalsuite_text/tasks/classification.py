"""Labels of a classifier against the right ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Classify, DataError, Metric, Null, Probe, Proportion, Sample
from evalsuite_text.metrics.agreement import MacroF1, MatthewsCorrelation
from evalsuite_text.tasks.recall import BalancedAccuracy


@dataclass(frozen=True)
class Classification(Probe):
    """Compare a classifier's most probable label with the field ``label``."""

    name: ClassVar[str] = "text/classification"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Classify,)
    fields: ClassVar[Any] = ("text", "label")
    card: ClassVar[Card] = Card(
        measures="How often the most probable label is the right one, against always saying the "
        "most frequent label; the recall of each label, and their mean (balanced accuracy) "
        "against one over the number of labels; macro-F1 and the Matthews correlation, against "
        "labels given independently of the text.",
        does_not_measure="Whether the label was found for a good reason.",
        reference="Brodersen et al. 2010, ICPR, on balanced accuracy",
        critique="Accuracy rewards the majority label where labels are unbalanced.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct",
            name="accuracy",
            null=Null(0.0, why="always the most frequent label"),
            chance="majority_share",
            direction="higher is better",
            primary=True,
        ),
        BalancedAccuracy(),
        MacroF1(),
        MatthewsCorrelation(),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify; labels that tie for the highest probability share the credit.

        A label that the model does not have can never be right: such a sample fails.
        """
        found = yield Classify(str(sample["text"]))
        target = str(sample["label"])
        if target not in found.labels:
            raise DataError(
                f"the label {target!r} is not among the model's: {', '.join(found.labels)}"
            )
        best = max(found.probabilities)
        tied = found.probabilities.count(best)
        return {
            "correct": 1 / tied if found.probability(target) == best else 0.0,
            "predicted": found.label,
            "target": target,
            "probability": found.probability(target),
            "confidence": best,
            "entropy": -sum(p * math.log(p) for p in found.probabilities if p > 0),
            "group": sample.get("group"),
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add the share of the most frequent label among the answered samples."""
        del context, rng
        counts = Counter(record["target"] for record in records)
        share = max(counts.values(), default=0) / max(1, len(records))
        return [{**record, "majority_share": share} for record in records]
