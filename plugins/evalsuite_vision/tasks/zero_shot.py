"""Zero-shot image classification: which class, named in words, is closest to the image?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedImage, EmbedText, SimilarityScale
from evalsuite.zero_shot import ZeroShotTask


@dataclass(frozen=True)
class ZeroShotClassification(ZeroShotTask):
    """Zero-shot classification with an ensemble of prompts in embedding space.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
    """

    templates: tuple[str, ...] = ("a photo of a {}",)

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "vision/zero-shot"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "label")
    card: ClassVar[Card] = Card(
        measures="How often the class whose description is closest to the image is its label.",
        does_not_measure="What the model knows beyond the listed classes; the figure moves with "
        "the wording of the templates.",
        reference="Radford et al. 2021, Learning transferable visual models "
        "from natural language supervision, section 3.1",
        critique="Class names carry the annotators' view of the world; ties count as guesses.",
    )
