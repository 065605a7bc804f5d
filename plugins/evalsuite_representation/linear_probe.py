"""What a linear classifier can read from a model's vectors, with all labels or with a few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Metric, Null
from evalsuite_representation.labelled import LabelledProbe, LabelledVectors, public
from evalsuite_representation.logistic import LogisticProbe, Verdicts, chosen_inverse_penalty
from evalsuite_representation.splits import (
    Integers,
    Part,
    balanced_shots,
    declared_part,
    fold_parts,
    stratified_folds,
)
from evalsuite_representation.tested import WHY_NOT, Accuracy, Recall

_MARGIN = 0.02


@dataclass(frozen=True)
class LinearProbe(LabelledProbe):
    """Fit L2-regularised multinomial logistic regression to vectors, and classify others by it.

    Args:
        medium: What is embedded, and the field that holds it: image, audio or text.
        split: Field that tells samples to learn from (``train``) from those to test (any other
            value); without it, each of ``folds`` stratified folds is tested in turn.
        group: Field of what must not be on both sides (speaker, patient, source file). Exact
            copies of an input never are. With ``split``, training samples whose group is tested
            are left out.
        folds: Number of folds.
        inverse_penalties: Values of C to choose from, on a fifth of the training part.
        shots: Also learn from so many samples of each class, e.g. 1, 2, 4, 8, 16.
        draws: How many times shots are drawn; their accuracies are averaged.
        few_shot_inverse_penalty: C with few shots, where nothing can be held out to choose it.
    """

    folds: int = 5
    inverse_penalties: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)
    shots: tuple[int, ...] = ()
    draws: int = 3
    few_shot_inverse_penalty: float = 1.0

    name: ClassVar[str] = "representation/linear-probe"
    card: ClassVar[Card] = Card(
        measures="How often a linear classifier, trained on the vectors of other samples, gives "
        "the right label; against the share of the most frequent label, which is all that can be "
        "had without the vectors. With few shots per class, against one over the classes.",
        does_not_measure="Whether the model itself uses what the classifier reads, and how much "
        "another training part would change the figures: intervals are over test samples only.",
        reference="Alain and Bengio 2017, ICLR workshop; protocol of Radford et al. 2021, "
        "appendix A.3",
        critique="High-dimensional vectors separate a small training part by chance; the "
        "penalty, chosen on held-out training samples, limits that.",
    )

    def __post_init__(self) -> None:
        """Refuse options without meaning."""
        super().__post_init__()
        if self.folds < 2:
            raise ValueError(f"folds must be at least 2 (got {self.folds})")
        penalties = (*self.inverse_penalties, self.few_shot_inverse_penalty)
        if not self.inverse_penalties or min(penalties) <= 0:
            raise ValueError("inverse_penalties must be positive numbers, at least one")
        if min((1, self.draws, *self.shots)) < 1:
            raise ValueError("shots and draws must be at least 1")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy, recall, and an accuracy for each number of shots."""
        whole = Accuracy(
            "correct",
            name="accuracy",
            null=Null(0.0, _MARGIN, "above", "always the most frequent label"),
            chance="majority_share",
            clusters=self.group or None,
            direction="higher is better",
            primary=True,
        )
        few = (
            Accuracy(
                _column(shots),
                name=f"accuracy with {shots} shot{'s' if shots > 1 else ''} per class",
                null=Null(0.0, _MARGIN, "above", "one label for every sample"),
                chance="few_shot_chance",
                clusters=self.group or None,
                direction="higher is better",
            )
            for shots in self.shots
        )
        return (whole, Recall(margin=_MARGIN), *few)

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Train and test; every tested sample gets its verdicts."""
        del context
        if not records:
            return records
        data = LabelledVectors.of(records)
        empty = {"correct": None, "predicted": None, "probability": None}
        rows = [empty | public(records[i]) for i in data.place]
        parts = self._parts(data, rng)
        for number, part in enumerate(parts):
            for row in part.test:
                rows[row]["fold"] = number
        if self.split:
            for row in set(np.flatnonzero(data.is_train)) - set(parts[0].train):
                rows[row]["role"] = "left out: its group or its copy is tested"
        self._classify(data, parts, rows, rng)
        # The same draws for every number of shots: few are then a part of many.
        seeds = rng.integers(0, 2**31, (len(parts), self.draws))
        for shots in sorted(set(self.shots)):
            self._classify_from(shots, data, parts, rows, seeds)
        ordered: list[Mapping[str, Any]] = [{}] * len(rows)
        for row, place in zip(rows, data.place, strict=True):
            ordered[place] = row
        return ordered

    def _parts(self, data: LabelledVectors, rng: np.random.Generator) -> list[Part]:
        if self.split:
            return [declared_part(data.is_train, data.units)]
        return list(fold_parts(stratified_folds(data.labels, data.units, self.folds, rng)))

    def _classify(
        self,
        data: LabelledVectors,
        parts: Sequence[Part],
        rows: list[dict[str, Any]],
        rng: np.random.Generator,
    ) -> None:
        """Test every part after learning from all that may be learned from."""
        if reason := _obstacle(data, parts):
            return _give_up(rows, "correct", reason)
        tested = [str(data.labels[row]) for part in parts for row in part.test]
        share = max(Counter(tested).values()) / len(tested)
        for part in parts:
            vectors, labels = data.vectors[part.train], data.labels[part.train]
            chosen = chosen_inverse_penalty(
                vectors, labels, data.units[part.train], self.inverse_penalties, rng
            )
            fitted = LogisticProbe.fit(vectors, labels, chosen)
            found = fitted.judge(data.vectors[part.test], data.labels[part.test])
            for i, row in enumerate(part.test):
                rows[row] |= _verdict(found, i)
                rows[row]["inverse_penalty"] = chosen
                rows[row]["is_converged"] = fitted.is_converged
                rows[row]["majority_share"] = share
        return None

    def _classify_from(
        self,
        shots: int,
        data: LabelledVectors,
        parts: Sequence[Part],
        rows: list[dict[str, Any]],
        seeds: Integers,
    ) -> None:
        """Test every part after learning from ``shots`` samples of each class; mean over draws."""
        reason = _obstacle(data, parts) or _too_few(shots, data, parts)
        if reason:
            return _give_up(rows, _column(shots), reason)
        for part, part_seeds in zip(parts, seeds, strict=True):
            credit = np.zeros(len(part.test))
            for seed in part_seeds:
                drawn = balanced_shots(
                    data.labels[part.train], shots, np.random.default_rng(int(seed))
                )
                chosen = part.train[np.concatenate([*drawn.values()])]
                fitted = LogisticProbe.fit(
                    data.vectors[chosen], data.labels[chosen], self.few_shot_inverse_penalty
                )
                found = fitted.judge(data.vectors[part.test], data.labels[part.test])
                credit += found.credit / self.draws
            for i, row in enumerate(part.test):
                known = str(data.labels[row]) in drawn
                rows[row][_column(shots)] = float(credit[i])
                rows[row]["few_shot_chance"] = 1 / len(drawn) if known else 0.0
        return None


def _column(shots: int) -> str:
    return f"correct_with_{shots}_shots"


def _verdict(found: Verdicts, i: int) -> dict[str, Any]:
    return {
        "correct": float(found.credit[i]),
        "predicted": str(found.predicted[i]),
        "probability": float(found.probability[i]),
    }


def _obstacle(data: LabelledVectors, parts: Sequence[Part]) -> str:
    """Why nothing can be learned or tested; empty when it can."""
    for part in parts:
        if not len(part.test):
            return "no sample is left to test; give some another value of the split than 'train'"
        if not len(part.train):
            return "no sample is left to learn from; groups and copies must not be on both sides"
        if len(np.unique(data.labels[part.train])) < 2:
            return f"the training part knows one label only ({data.labels[part.train][0]})"
    return ""


def _too_few(shots: int, data: LabelledVectors, parts: Sequence[Part]) -> str:
    """Why so many shots cannot be drawn; empty when they can."""
    counts = [Counter(data.labels[part.train].tolist()) for part in parts]
    count, label = min((n, name) for counter in counts for name, n in counter.items())
    return f"{label!r} has {count} training samples, fewer than {shots}" if count < shots else ""


def _give_up(rows: list[dict[str, Any]], column: str, reason: str) -> None:
    for row in rows:
        row |= {column: None, WHY_NOT.format(column): reason}
