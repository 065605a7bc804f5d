"""Inputs whose right answer changes: negation by rule, and contrast sets in the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from evalsuite import DataError, Sample
from evalsuite.variant import Variant

Answers: TypeAlias = Literal["kept", "changed", "gone"]
GARDNER = "Gardner et al. 2020, arXiv:2004.02709"
_NOT = re.compile(
    r"\b(is|are|am|was|were|can|could|will|would|shall|should|must|may|might|does|do|did|has|have"
    r"|had) not\b",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\b(is|are|was|were|could|would|should|must|does|do|did|has|have|had)n't\b", re.IGNORECASE
)
_PLAIN = re.compile(
    r"\b(is|are|am|was|were|can|could|will|would|shall|should|must|may|might)\b(?! not\b)",
    re.IGNORECASE,
)


def negated(text: str) -> str | None:
    """A statement with its first verb negated, or one taken out; None where neither can be."""
    for pattern in (_NOT, _SHORT):
        if pattern.search(text):
            return pattern.sub(r"\1", text, count=1)
    if _PLAIN.search(text):
        return _PLAIN.sub(r"\1 not", text, count=1)
    return None


@dataclass(frozen=True)
class Negation(Variant):
    """Statements negated, and their labels exchanged for the opposite; others stay as they are.

    For statements of one clause: in a longer text the first verb is not all that it says.

    Args:
        opposites: {label: the right one after negation}; true and false need no mention. A sample
            with another label stays as it is.
        text: Field of the statement.
        label: Field of the right answer.
    """

    opposites: Mapping[str, str] = field(default_factory=dict)
    text: str = "text"
    label: str = "label"

    name: ClassVar[str] = "text/negation"
    answers: ClassVar[Answers] = "changed"
    about: ClassVar[str] = (
        f"Statements negated and their labels with them, as contrast sets are ({GARDNER}); what is "
        "a negation's opposite is said by `opposites`."
    )

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The negated statement with the opposite label."""
        text, label = sample.get(self.text), self._opposite(sample.get(self.label))
        after = negated(text) if isinstance(text, str) else None
        if after is None or label is None:
            return sample.fields
        return {**sample.fields, self.text: after, self.label: label}

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when the samples lack a field; the first may hold nothing to negate."""
        for sample in samples:
            if sample.broken is None:
                for name in (self.text, self.label):
                    sample[name]

    def _opposite(self, label: Any) -> Any:
        return not label if isinstance(label, bool) else self.opposites.get(str(label))


@dataclass(frozen=True)
class ContrastPair(Variant):
    """Each sample replaced by another of its contrast set: the next one with the same ``pair``.

    So every sample is asked about as often as before, and the loss is zero but for samples without
    a partner; what tells is the worst case: how often a whole pair is right.

    Args:
        pair: Column that the samples of one set share, e.g. ``batch_id``.
    """

    pair: str = "pair"

    name: ClassVar[str] = "text/contrast-pair"
    answers: ClassVar[Answers] = "changed"
    about: ClassVar[str] = (
        f"Minimally edited partners with other answers, from the data themselves ({GARDNER}; "
        "Kaushik et al. 2020, ICLR); the worst case is the contrast consistency."
    )

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """The fields of the next sample of the same set, under the sample's own id."""
        sets: dict[str, list[int]] = {}
        for index, sample in enumerate(samples):
            if sample.broken is None:
                sets.setdefault(str(sample[self.pair]), []).append(index)
        after = list(samples)
        for own in sets.values():
            for place, index in enumerate(own):
                partner = samples[own[(place + 1) % len(own)]]
                after[index] = Sample(samples[index].id, partner.fields)
        return after

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when the samples have no such column."""
        for sample in samples:
            if sample.broken is None and sample.get(self.pair) is None:
                raise DataError(
                    f"The variant {self.name!r} needs the column that samples of one set share; "
                    f"{self.pair!r} is not among {', '.join(sorted(sample.fields)) or 'none'}. "
                    "Name it with the option `pair`."
                )
