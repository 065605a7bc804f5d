"""Solved examples before a question (few-shot): never the question itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalsuite import Sample
from evalsuite.statistics import generator

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Examples:
    """Where examples come from.

    Attributes:
        fixed: The task's own, always the same.
        pool: Samples of the data, from which ``count`` are taken where there are no fixed ones.
        count: How many.
        pick: ``first`` takes the same first ones for every question (a constant beginning, which
            is read once), ``drawn`` draws anew for each question.
        seed: Of the draws.
    """

    fixed: tuple[Fields, ...]
    pool: tuple[Sample, ...]
    count: int
    pick: Literal["first", "drawn"]
    seed: int

    def before(self, sample: Sample) -> list[Fields]:
        """The examples for one question; the question, or one with equal content, is no example."""
        if self.fixed:
            return list(self.fixed[: self.count])
        if self.count == 0:
            return []
        others = self._others(sample)
        if self.pick == "first":
            return [other.fields for other in others[: self.count]]
        draw = generator(self.seed, sample.content_hash, "examples")
        chosen = draw.permutation(len(others))[: self.count]
        return [others[int(index)].fields for index in chosen]

    def _others(self, sample: Sample) -> Sequence[Sample]:
        if self.pick == "first":  # one more than needed, in case the sample is among them
            near = self.pool[: self.count + 8]
            found = [o for o in near if o.id != sample.id and o.content_hash != sample.content_hash]
            if len(found) >= self.count:
                return found
        return [o for o in self.pool if o.id != sample.id and o.content_hash != sample.content_hash]
