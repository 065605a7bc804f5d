"""Zero-shot classification of images that have several labels at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedImage, EmbedText, SimilarityScale
from evalsuite.zero_shot import ZeroShotLabelsTask


@dataclass(frozen=True)
class ZeroShotLabels(ZeroShotLabelsTask):
    """Rank images for each class by how close they are to its description."""

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "vision/zero-shot-labels"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "labels")
    card: ClassVar[Card] = Card(
        measures="For each class, whether images that have it rank above those that have not.",
        does_not_measure="A threshold that says yes or no; scores of different classes are not "
        "compared.",
        reference="Average precision as in Everingham et al. 2010 (PASCAL VOC), over all points",
        critique="Annotators leave out labels that would also fit.",
    )
