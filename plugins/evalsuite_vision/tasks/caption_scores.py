"""How well given captions fit their images, by a dual encoder: CLIPScore and RefCLIPScore."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from evalsuite import Card, DataError, EmbedImage, EmbedText, Sample
from evalsuite.captions import EncoderScoresTask, nearest_cosine

_SCALE = 2.5


def clip_score(image: npt.NDArray[Any], caption: npt.NDArray[Any]) -> float:
    """2.5 max(cos, 0) of the vectors of an image and its caption.

    Range [0, 2.5]; higher is better. NaN where a vector has no length. Reference: Hessel et al.
    2021, EMNLP, equation 1.
    """
    return _SCALE * nearest_cosine(image, [caption])


def ref_clip_score(
    score: float, caption: npt.NDArray[Any], references: Sequence[npt.NDArray[Any]]
) -> float:
    """Harmonic mean of a CLIPScore and max over references of max(cos(caption, reference), 0).

    Range [0, 1.43]; higher is better; 0 where either is 0. Reference: Hessel et al. 2021,
    equation 2.
    """
    nearest = nearest_cosine(caption, references)
    return 2 * score * nearest / (score + nearest) if score * nearest != 0 else score * nearest


@dataclass(frozen=True)
class ClipScore(EncoderScoresTask):
    """Compare the vector of every given caption with that of its image.

    Args:
        caption: Field with the caption to judge.
        prefix: What stands before every caption, as in the paper.
        references: Field with a list of reference captions (or one); where a sample has it,
            RefCLIPScore is measured too.
    """

    prefix: str = "A photo depicts "
    references: str = "captions"

    medium: ClassVar[str] = "image"
    scored: ClassVar[Mapping[str, str]] = {
        "clip_score": "CLIPScore",
        "ref_clip_score": "RefCLIPScore",
    }
    name: ClassVar[str] = "vision/clip-score"
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

    def references_of(self, sample: Sample) -> list[str]:
        """The reference captions; raises DataError for a blank one."""
        value = sample.get(self.references)
        texts = [value] if isinstance(value, str) else list(value or ())
        if any(not isinstance(text, str) or not text.strip() for text in texts):
            raise DataError(f"{self.references} must be a list of texts with words (got {value!r})")
        return texts

    def scores_of(
        self, record: Mapping[str, Any], other: Mapping[str, Any]
    ) -> Mapping[str, float | None]:
        """The scores of a record's caption on the image and references of ``other``.

        An empty caption scores 0, the worst, whatever vector the prefix alone has.
        """
        (caption,) = record["_captions"]
        alone = clip_score(other["_medium"], caption)
        found: dict[str, float | None] = {
            "clip_score": 0.0 if record["is_empty"] else _number(alone)
        }
        if "_references" in other:
            together = ref_clip_score(alone, caption, list(other["_references"]))
            found["ref_clip_score"] = 0.0 if record["is_empty"] else _number(together)
        return found


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
