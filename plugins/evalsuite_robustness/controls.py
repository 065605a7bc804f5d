"""Changes of known cost, which show that losses are measured as they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from evalsuite import DataError, Sample
from evalsuite.derived import rng_of
from evalsuite.variant import Variant

Answers: TypeAlias = Literal["kept", "changed", "gone"]


@dataclass(frozen=True)
class Unchanged(Variant):
    """Everything as it was."""

    name: ClassVar[str] = "control/unchanged"
    about: ClassVar[str] = "A control: the same data again, which costs exactly nothing."

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The same fields."""
        return sample.fields

    def check(self, samples: Sequence[Sample]) -> None:
        """There is nothing to change, and that is the point."""


@dataclass(frozen=True)
class PermutedLabels(Variant):
    """Right answers exchanged between samples, so that they have nothing to do with the input.

    Args:
        label: Field of the right answer.
    """

    label: str = "label"

    name: ClassVar[str] = "control/permuted-labels"
    answers: ClassVar[Answers] = "gone"
    about: ClassVar[str] = "A control: answers of other samples, after which all is chance."

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """Exchange the labels at random; by what samples hold, not by their order."""
        good = [i for i, s in enumerate(samples) if s.broken is None and self.label in s.fields]
        labels = [samples[i][self.label] for i in good]

        def drawn(place: int, what: str) -> tuple[float, int]:
            sample = samples[good[place]]
            return rng_of(self.name, seed, what, sample.content_hash).random(), place

        takers = sorted(range(len(good)), key=lambda place: drawn(place, "taker"))
        givers = sorted(range(len(good)), key=lambda place: drawn(place, "giver"))
        after = list(samples)
        for taker, giver in zip(takers, givers, strict=True):
            sample = samples[good[taker]]
            after[good[taker]] = Sample(sample.id, {**sample.fields, self.label: labels[giver]})
        return after

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when the samples have no such field."""
        good = [sample for sample in samples if sample.broken is None]
        if good and not any(self.label in sample.fields for sample in good):
            names = ", ".join(sorted(good[0].fields)) or "none"
            raise DataError(
                f"The variant {self.name!r} finds no field {self.label!r} to exchange; the fields "
                f"are {names}. Name the one with the right answer by the option `label`."
            )
