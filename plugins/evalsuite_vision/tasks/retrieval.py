"""Image-text retrieval, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedImage, EmbedText
from evalsuite.retrieval import RetrievalTask


@dataclass(frozen=True)
class Retrieval(RetrievalTask):
    """Find the caption of an image among all captions, and the image of a caption."""

    medium: ClassVar[str] = "image"
    caption_field: ClassVar[str] = "caption"
    name: ClassVar[str] = "vision/retrieval"
    needs: ClassVar[Any] = (EmbedImage, EmbedText)
    card: ClassVar[Card] = Card(
        measures="How high the right caption of an image ranks among all captions of the data, "
        "and the right image of a caption among all images.",
        does_not_measure="Absolute quality: figures fall as the pool grows, so they compare only "
        "on the same data.",
        reference="Karpathy and Fei-Fei 2015; Radford et al. 2021; ties as in McSherry and "
        "Najork 2008",
        critique="Equal captions and equal images count as right answers of each other; other "
        "captions that would also fit count as wrong (Chun et al. 2022, ECCV Caption).",
    )
