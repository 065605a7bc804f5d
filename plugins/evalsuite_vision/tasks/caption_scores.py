"""How well given captions fit their images, by a dual encoder: CLIPScore and RefCLIPScore."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import (
    Card,
    DataError,
    EmbedImage,
    EmbedText,
    Metric,
    Null,
    Probe,
    Proportion,
    Sample,
)
from evalsuite_vision.metrics.caption_estimates import MismatchedMean
from evalsuite_vision.metrics.pairing import partners

_SCALE = 2.5
_MISMATCHED = "captions paired with other images"


def clip_score(image: npt.NDArray[Any], caption: npt.NDArray[Any]) -> float:
    """2.5 max(cos, 0) of the vectors of an image and its caption.

    Range [0, 2.5]; higher is better. NaN where a vector has no length. Reference: Hessel et al.
    2021, EMNLP, equation 1.
    """
    return _SCALE * _positive_cosine(image, caption)


def ref_clip_score(
    score: float, caption: npt.NDArray[Any], references: Sequence[npt.NDArray[Any]]
) -> float:
    """Harmonic mean of a CLIPScore and max over references of max(cos(caption, reference), 0).

    Range [0, 1.43]; higher is better; 0 where either is 0. Reference: Hessel et al. 2021,
    equation 2.
    """
    nearest = max(_positive_cosine(caption, reference) for reference in references)
    return 2 * score * nearest / (score + nearest) if score * nearest != 0 else score * nearest


def _positive_cosine(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    first, second = one.astype(float), other.astype(float)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return max(0.0, float(first @ second) / lengths) if lengths > 0 else math.nan


def _mean(column: str, name: str, primary: bool = False) -> Metric:
    return MismatchedMean(
        column,
        name=name,
        clusters="image_id",
        null=Null(0.0, margin=0.01, side="above", why=_MISMATCHED),
        chance=f"{column}_mismatched",
        direction="higher is better",
        primary=primary,
    )


@dataclass(frozen=True)
class ClipScore(Probe):
    """Compare the vector of every given caption with that of its image.

    Args:
        caption: Field with the caption to judge.
        references: Field with a list of reference captions (or one); where a sample has it,
            RefCLIPScore is measured too.
        prefix: What stands before every caption, as in the paper.
    """

    caption: str = "caption"
    references: str = "captions"
    prefix: str = "A photo depicts "

    name: ClassVar[str] = "vision/clip-score"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (EmbedImage, EmbedText)
    card: ClassVar[Card] = Card(
        measures="How close given captions lie to their images in the space of the evaluated "
        "dual encoder, alone (CLIPScore) and together with reference captions (RefCLIPScore), "
        "against the same captions on other images.",
        does_not_measure="The quality of the encoder as a judge: scores of different encoders do "
        "not compare, and word order or counting hardly move them.",
        reference="Hessel et al. 2021, CLIPScore: a reference-free evaluation metric for image "
        "captioning, EMNLP",
        critique="A caption that names what is seen scores well even when its sentence is wrong; "
        "2.5 was chosen for one CLIP model.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        _mean("clip_score", "CLIPScore", primary=True),
        _mean("ref_clip_score", "RefCLIPScore"),
        Proportion(
            "is_empty", name="empty captions", clusters="image_id", direction="lower is better"
        ),
    )

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return ("image", self.caption)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed the image, its caption and the references there are."""
        caption = sample[self.caption]
        if not isinstance(caption, str):
            raise DataError(f"{self.caption} must be one text (got {caption!r})")
        texts = self._references(sample)
        image, own, *others = yield (
            EmbedImage(sample["image"]),
            *(EmbedText(self.prefix + text.strip()) for text in (caption, *texts)),
        )
        record = {
            "image_id": sample["image"].sha256[:16],
            "caption": caption,
            "is_empty": float(not caption.strip()),
            "_image": image.vector,
            "_caption": own.vector,
        }
        # The references travel as one matrix: a record has no lists.
        return record | ({"_references": np.stack([r.vector for r in others])} if others else {})

    def _references(self, sample: Sample) -> list[str]:
        value = sample.get(self.references)
        texts = [value] if isinstance(value, str) else list(value or ())
        if any(not isinstance(text, str) or not text.strip() for text in texts):
            raise DataError(f"{self.references} must be a list of texts with words (got {value!r})")
        return texts

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Scores of every caption on its own image, and on another one."""
        del context, rng
        others = partners([r["image_id"] for r in records], [r["caption"] for r in records])
        final = []
        for index, record in enumerate(records):
            row = {k: v for k, v in record.items() if not k.startswith("_")}
            row |= _scores(record, record, "")
            if others:
                row |= _scores(record, records[others[index]], "_mismatched")
            final.append(row)
        return final


def _scores(
    record: Mapping[str, Any], other: Mapping[str, Any], suffix: str
) -> Mapping[str, float | None]:
    """The scores of a record's caption on the image and references of ``other``.

    An empty caption scores 0, the worst, whatever vector the prefix alone has.
    """
    alone = clip_score(other["_image"], record["_caption"])
    found: dict[str, float | None] = {}
    found["clip_score" + suffix] = 0.0 if record["is_empty"] else _number(alone)
    references = other.get("_references")
    if references is not None:
        together = ref_clip_score(alone, record["_caption"], list(references))
        found["ref_clip_score" + suffix] = 0.0 if record["is_empty"] else _number(together)
    return found


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
