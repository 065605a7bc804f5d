"""Nearest neighbours: does nearness in a model's space mean the same class?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, Metric, Null
from evalsuite_representation.geometry import unit_rows
from evalsuite_representation.labelled import LabelledProbe, LabelledVectors, public
from evalsuite_representation.tested import WHY_NOT, Accuracy, Recall
from evalsuite_representation.votes import expected_credit

# Cosines of this many queries with all neighbours are held at a time.
BLOCK = 256

# Cosines that agree to so many decimals tie: float32 vectors tell no more.
DECIMALS = 6

_MARGIN = 0.02


@dataclass(frozen=True)
class WeightedNeighbours(LabelledProbe):
    """Let the k nearest vectors vote for their class, each with the weight exp(cosine / T).

    Neighbours that are equally near draw lots for the last of the k places, and classes with
    equal votes share the credit; both are counted by their expectation.

    Args:
        medium: What is embedded, and the field that holds it: image, audio or text.
        split: Field that tells neighbours (``train``) from samples to classify (any other
            value); without it, each sample is classified by all others.
        group: Field of what a neighbour must not share (speaker, patient, source file). Exact
            copies of an input are never its neighbours.
        k: How many neighbours vote.
        temperature: T.
    """

    k: int = 20
    temperature: float = 0.07

    name: ClassVar[str] = "representation/knn"
    card: ClassVar[Card] = Card(
        measures="How often the weighted vote of the 20 (or k) nearest vectors names the right "
        "label; against the vote of as many neighbours drawn at random, which is exactly what a "
        "model with equal vectors gets.",
        does_not_measure="What a trained classifier could read from directions of little variance.",
        reference="Wu et al. 2018, CVPR; Caron et al. 2021, ICCV (DINO)",
        critique="In high dimensions a few samples are neighbours of very many (hubs). Leaving "
        "one out takes a vote from the right class, so that chance lies a little below one over "
        "the classes where classes are small. Where classes are uneven, unequal weights make "
        "the vote of useless vectors somewhat worse than that of random neighbours.",
    )

    def __post_init__(self) -> None:
        """Refuse options without meaning."""
        super().__post_init__()
        if self.k < 1:
            raise ValueError(f"k must be at least 1 (got {self.k})")
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0 (got {self.temperature})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy and recall."""
        accuracy = Accuracy(
            "correct",
            name="accuracy",
            null=Null(0.0, _MARGIN, "above", "neighbours drawn at random"),
            chance="chance",
            clusters=self.group or None,
            direction="higher is better",
            primary=True,
        )
        return (accuracy, Recall(margin=_MARGIN))

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Let the neighbours of every tested sample vote."""
        del context, rng
        if not records:
            return records
        data = LabelledVectors.of(records)
        queries = np.flatnonzero(~data.is_train)
        known = np.flatnonzero(data.is_train) if self.split else queries
        votes = dict(self._votes(data, queries, known))
        share = Counter(data.labels[row] for row in votes)
        majority = max(share.values(), default=0) / max(1, len(votes))
        made: list[Mapping[str, Any]] = [{}] * len(records)
        for row, place in enumerate(data.place):
            verdict = votes.get(row, _NO_VERDICT)
            made[place] = public(records[place]) | verdict
            if row in votes:
                made[place] = {**made[place], "majority_share": majority}
            elif not votes:
                reason = "no tested sample has a neighbour that it may be compared with"
                made[place] = {**made[place], WHY_NOT.format("correct"): reason}
        return made

    def _votes(
        self, data: LabelledVectors, queries: Any, known: Any
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """The verdict on each query that has a neighbour."""
        if not len(known):
            return
        vectors = unit_rows(data.vectors)
        names, codes = np.unique(data.labels, return_inverse=True)
        for start in range(0, len(queries), BLOCK):
            rows = queries[start : start + BLOCK]
            cosines = (vectors[rows] @ vectors[known].T).round(DECIMALS)
            allowed = data.units[rows][:, None] != data.units[known][None, :]
            for row, near, may in zip(rows, cosines, allowed, strict=True):
                if may.any():
                    verdict = self._verdict(near[may], codes[known[may]], int(codes[row]), names)
                    yield int(row), verdict

    def _verdict(
        self,
        cosines: npt.NDArray[np.float64],
        labels: npt.NDArray[np.int64],
        target: int,
        names: npt.NDArray[np.str_],
    ) -> dict[str, Any]:
        """What the neighbours say of one sample."""
        k, n_classes = min(self.k, len(cosines)), len(names)
        reach = np.partition(cosines, -k)[-k]
        nearest = float(cosines.max())
        inside, level = cosines > reach, cosines == reach
        weights = np.exp((cosines[inside] - nearest) / self.temperature)
        weight = float(np.exp((reach - nearest) / self.temperature))
        fixed = np.bincount(labels[inside], weights, n_classes)
        tied = np.bincount(labels[level], minlength=n_classes)
        places = k - int(inside.sum())
        expected = fixed + tied * (places / level.sum()) * weight
        pool = np.bincount(labels, minlength=n_classes)
        return {
            "correct": expected_credit(fixed, tied, weight, places, target),
            "predicted": str(names[int(np.argmax(expected.round(9)))]),
            "probability": float(expected[target] / expected.sum()),
            "similarity": nearest,
            "chance": expected_credit(np.zeros(n_classes), pool, 1.0, k, target),
        }


_NO_VERDICT = {
    "correct": None,
    "predicted": None,
    "probability": None,
    "similarity": None,
    "chance": None,
}
