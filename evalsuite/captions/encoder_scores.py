"""How well given captions fit their images or clips, by a dual encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite.captions.estimates import MismatchedMean
from evalsuite.captions.pairing import partners
from evalsuite.errors import DataError
from evalsuite.identity import medium_id
from evalsuite.metric import Metric, Null
from evalsuite.probe import Asking, Probe
from evalsuite.request import EmbedText
from evalsuite.source import Sample
from evalsuite.summaries import Proportion
from evalsuite.zero_shot import embed

_PLURALS = {"image": "images", "audio": "clips"}


def cosine(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The cosine of two vectors, range [-1, 1]; NaN where one has no length."""
    first, second = one.astype(float), other.astype(float)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / lengths if lengths > 0 else math.nan


def nearest_cosine(one: npt.NDArray[Any], others: Sequence[npt.NDArray[Any]]) -> float:
    """Max over ``others`` of max(cosine, 0); range [0, 1], NaN where a vector has no length."""
    found = [cosine(one, other) for other in others]
    return math.nan if any(map(math.isnan, found)) else max(0.0, *found)


@dataclass(frozen=True)
class EncoderScoresTask(Probe):
    """Base: compare the vector of every given caption with that of its image or clip.

    The null is what the same captions score on other images or clips.

    Args:
        caption: Field with the caption to judge; a subclass may accept a list.
        prefix: What stands before every caption.

    A subclass says in ``medium`` which field holds the image or clip, and in ``scores_of`` how
    the vectors of a record's captions and those of an image or clip are compared.
    """

    caption: str = "caption"
    prefix: str = ""

    medium: ClassVar[str] = "image"
    scored: ClassVar[Mapping[str, str]] = {}
    family: ClassVar[Any] = "task"

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (self.medium, self.caption)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The mean of every column that ``scored`` names, and the share of empty captions."""
        unit, (first, *_) = f"{self.medium}_id", self.scored
        why = f"captions paired with other {_PLURALS[self.medium]}"
        return (
            *(
                MismatchedMean(
                    column,
                    name=name,
                    clusters=unit,
                    null=Null(0.0, margin=0.01, side="above", why=why),
                    chance=f"{column}_mismatched",
                    direction="higher is better",
                    primary=column == first,
                )
                for column, name in self.scored.items()
            ),
            Proportion(
                "is_empty", name="empty captions", clusters=unit, direction="lower is better"
            ),
        )

    def scores_of(
        self, record: Mapping[str, Any], other: Mapping[str, Any]
    ) -> Mapping[str, float | None]:
        """Every column of ``scored``: a record's captions on the image or clip of ``other``.

        Records hold ``_medium`` [dimensions], ``_captions`` and, where there are references,
        ``_references`` [texts, dimensions], and ``_is_empty`` [captions]. None is undefined.
        """
        raise TypeError(f"{type(self).__name__} does not score")

    def captions_of(self, sample: Sample) -> list[str]:
        """The captions to judge; raises DataError for anything but one text."""
        caption = sample[self.caption]
        if not isinstance(caption, str):
            raise DataError(f"{self.caption} must be one text (got {caption!r})")
        return [caption]

    def references_of(self, sample: Sample) -> list[str]:
        """The reference captions of a subclass that scores against them."""
        del sample
        return []

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Embed the image or clip, its captions and the references there are."""
        captions, references = self.captions_of(sample), self.references_of(sample)
        medium, *replies = yield (
            embed(sample[self.medium]),
            *(EmbedText(self.prefix + text.strip()) for text in (*captions, *references)),
        )
        vectors = np.stack([reply.vector for reply in replies])
        is_empty = np.array([not caption.strip() for caption in captions])
        record = {
            f"{self.medium}_id": medium_id(sample, self.medium),
            "caption": "\n".join(captions),
            "is_empty": float(is_empty.mean()),
            "_is_empty": is_empty,
            "_medium": medium.vector,
            "_captions": vectors[: len(captions)],
        }
        return record | ({"_references": vectors[len(captions) :]} if references else {})

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Scores of every sample's captions on its own image or clip, and on another one."""
        del context, rng
        unit = f"{self.medium}_id"
        others = partners([r[unit] for r in records], [r["caption"] for r in records])
        final = []
        for index, record in enumerate(records):
            row = {k: v for k, v in record.items() if not k.startswith("_")}
            row |= self.scores_of(record, record)
            if others:
                wrong = self.scores_of(record, records[others[index]])
                row |= {f"{column}_mismatched": value for column, value in wrong.items()}
            final.append(row)
        return final
