"""F1 of whole entities over a corpus of labelled sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table
from evalsuite.sliced import SlicedMetric
from evalsuite.statistics import totals_distribution
from evalsuite.text_lists import listed
from evalsuite_text.metrics.entities import SCHEMES, Entity, entities_of

Floats = npt.NDArray[np.float64]
Entities = frozenset[Entity]


@dataclass(frozen=True, kw_only=True)
class SpanF1(SlicedMetric):
    """Micro F1 (or precision, or recall) of entities, then of each type.

    An entity counts when its type and both ends are right. Formula: 2 TP / (2 TP + FP + FN) over
    all sentences; precision TP / (TP + FP), recall TP / (TP + FN). Range [0, 1]; higher is better.
    The null pairs every prediction with the entities of another sentence. Bootstrap over
    sentences. Undefined: no entity on the side (or both sides) that it divides by.
    Reference: Tjong Kim Sang and De Meulder 2003, CoNLL.

    Attributes:
        predicted, target: Columns of JSON lists with one label for each word.
        scheme: How entities are written: bio, iob1, bioes or bilou.
        part: ``f1``, ``precision`` or ``recall``.
    """

    name: str = "span F1"
    predicted: str = "predicted"
    target: str = "target"
    scheme: str = "bio"
    part: Literal["f1", "precision", "recall"] = "f1"

    def __post_init__(self) -> None:
        """Refuse a scheme that is not known."""
        if self.scheme not in SCHEMES:
            raise ValueError(f"scheme must be one of {', '.join(SCHEMES)} (got {self.scheme!r})")

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        ours = self._entities(table, self.predicted)
        theirs = self._entities(table, self.target)
        counts = span_counts(ours, theirs)
        whole = self._of(table, counts, _mismatched(ours, theirs), label, rng)
        kinds = sorted({kind for found in (*ours, *theirs) for kind, _, _ in found})
        parts = []
        for kind in kinds if not label else ():
            chosen = [_of_kind(found, kind) for found in (ours, theirs)]
            parts.append(self._of(table, span_counts(*chosen), None, f"type={kind}", rng))
        return [whole, *parts]

    def _entities(self, table: Table, column: str) -> list[Entities]:
        return [frozenset(entities_of(listed(x, column), self.scheme)) for x in table[column]]

    def _of(
        self,
        table: Table,
        counts: Floats,
        mismatched: Floats | None,
        label: str,
        rng: np.random.Generator,
    ) -> Estimate:
        hits, spurious, missed = counts.sum(axis=0)
        if np.isnan(self._score(counts.sum(axis=0, keepdims=True))[0]):
            return self._nothing(_lacking(self.part), label, table.n)
        found = totals_distribution(counts, self._score, rng=rng, clusters=self._units(table))
        null = None
        if mismatched is not None:
            chance = float(self._score(mismatched.sum(axis=0, keepdims=True))[0])
            null = Null(chance, self.margin, "above", "paired with another sentence's entities")
        facts = {"true_positives": hits, "false_positives": spurious, "false_negatives": missed}
        return self._made(found, table, label, null, **{k: float(v) for k, v in facts.items()})

    def _score(self, totals: Floats) -> Floats:
        """The score of each row of totals (draws, 3): true and false positives, misses."""
        hits, spurious, missed = totals.T
        below = {
            "f1": 2 * hits + spurious + missed,
            "precision": hits + spurious,
            "recall": hits + missed,
        }[self.part]
        above = 2 * hits if self.part == "f1" else hits
        return np.asarray(above / np.where(below > 0, below, np.nan))


def span_counts(predicted: Sequence[Entities], target: Sequence[Entities]) -> Floats:
    """Entities of each sentence that are right, spurious and missed, (n, 3)."""
    pairs = zip(predicted, target, strict=True)
    rows = [(len(ours & theirs), len(ours - theirs), len(theirs - ours)) for ours, theirs in pairs]
    return np.array(rows, dtype=float).reshape(-1, 3)


def _mismatched(predicted: Sequence[Entities], target: Sequence[Entities]) -> Floats | None:
    """Expected counts, (1, 3), when every prediction is paired with another sentence at random.

    The hits are Σ over entities of (predicted with it · targets with it − both) / (n − 1).
    """
    n = len(predicted)
    if n < 2:
        return None
    ours = Counter(entity for found in predicted for entity in found)
    theirs = Counter(entity for found in target for entity in found)
    own = Counter(e for a, b in zip(predicted, target, strict=True) for e in a & b)
    hits = sum(ours[entity] * theirs[entity] - own[entity] for entity in ours) / (n - 1)
    return np.array([[hits, ours.total() - hits, theirs.total() - hits]])


def _of_kind(found: Sequence[Entities], kind: str) -> list[Entities]:
    return [frozenset(entity for entity in one if entity[0] == kind) for one in found]


def _lacking(part: str) -> str:
    return {
        "f1": "there is no entity, neither predicted nor right",
        "precision": "no entity is predicted",
        "recall": "there is no right entity to find",
    }[part]
