"""Labels of a classifier against the right ones, whatever it classifies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from evalsuite.classification.agreement import MacroF1, MatthewsCorrelation
from evalsuite.classification.recall import BalancedAccuracy
from evalsuite.content import Content, as_content
from evalsuite.errors import DataError
from evalsuite.metric import Metric, Null
from evalsuite.probe import Asking, Preparing, Probe
from evalsuite.request import Classify
from evalsuite.response import Classification
from evalsuite.source import Sample
from evalsuite.summaries import Proportion


@dataclass(frozen=True)
class ClassificationTask(Probe):
    """Base: compare a classifier's most probable label with the field ``label``.

    Args:
        labels: What the data call a label of the model, {model's label: data's label}; the
            probabilities of labels that the data call alike are added up. A label that is not
            mentioned keeps its name.
        cluster_by: Field of the resampling unit, e.g. ``speaker``; samples are the unit without.

    A subclass says in ``medium`` which field is classified: ``text``, ``image`` or ``audio``.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    cluster_by: str = ""

    medium: ClassVar[str] = "text"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Classify,)

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (self.medium, "label", *([self.cluster_by] if self.cluster_by else []))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy and balanced accuracy, also by ``group``; recalls; macro-F1 and MCC."""
        clusters = self.cluster_by or None
        return (
            Proportion(
                "correct",
                name="accuracy",
                by="group",
                clusters=clusters,
                null=Null(0.0, why="always the most frequent label"),
                chance="majority_share",
                direction="higher is better",
                primary=True,
            ),
            BalancedAccuracy(by="group", clusters=clusters),
            MacroF1(clusters=clusters),
            MatthewsCorrelation(clusters=clusters),
        )

    def prepare(self, samples: Sequence[Sample]) -> Preparing:
        """The labels that the data have, for messages; asks nothing."""
        return sorted({str(s["label"]) for s in samples if s.get("label") is not None})
        yield  # makes this a generator

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Classify; labels that tie for the highest probability share the credit.

        A label that the model does not have can never be right: such a sample fails.
        """
        found = yield from self.probabilities(sample, context)
        return self.record_of(found, sample, context)

    def probabilities(self, sample: Sample, context: Any) -> Asking:
        """Classify: the probability of every label by its name in the data."""
        answer = yield Classify(self._content(sample))
        return self._renamed(answer, context)

    def record_of(self, found: Mapping[str, float], sample: Sample, context: Any) -> dict[str, Any]:
        """The record of probabilities; raises DataError where the sample's label has none."""
        target = str(sample["label"])
        if target not in found:
            raise DataError(
                f"the label {target!r} is not among the model's: {', '.join(found)}; the data "
                f"have: {', '.join(context)}. Say which is which with the option `labels: "
                "{model's label: data's label}`"
            )
        best = max(found.values())
        tied = [label for label, p in found.items() if p == best]
        record = {
            "correct": 1 / len(tied) if target in tied else 0.0,
            "predicted": tied[0],
            "target": target,
            "probability": found[target],
            "confidence": best,
            "entropy": -sum(p * math.log(p) for p in found.values() if p > 0),
        }
        carried = {name: sample.get(name) for name in ("group", self.cluster_by) if name}
        return {**record, **{name: v for name, v in carried.items() if v is not None}}

    def _content(self, sample: Sample) -> Content:
        value = sample[self.medium]
        return as_content(str(value) if self.medium == "text" else value)

    def _renamed(self, answer: Classification, known: Sequence[str]) -> dict[str, float]:
        """The probability of every label by its name in the data, in the model's order."""
        strange = sorted(set(self.labels) - set(answer.labels))
        if strange:
            raise DataError(
                f"labels: {strange[0]!r} is no label of the model, which has: "
                f"{', '.join(answer.labels)}; the data have: {', '.join(known)}"
            )
        found: dict[str, float] = {}
        for label, probability in zip(answer.labels, answer.probabilities, strict=True):
            name = self.labels.get(label, label)
            found[name] = found.get(name, 0.0) + probability
        return found

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add the share of the most frequent label among the answered samples."""
        del context, rng
        counts = Counter(record["target"] for record in records)
        share = max(counts.values(), default=0) / max(1, len(records))
        return [{**record, "majority_share": share} for record in records]
