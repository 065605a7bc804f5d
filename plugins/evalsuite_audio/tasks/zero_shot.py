"""Zero-shot sound classification: which class, named in words, is closest to the clip?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedAudio, EmbedText, SimilarityScale
from evalsuite.zero_shot import ZeroShotTask


@dataclass(frozen=True)
class ZeroShotClassification(ZeroShotTask):
    """Zero-shot classification with an ensemble of prompts in embedding space.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "audio/zero-shot"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label")
    card: ClassVar[Card] = Card(
        measures="How often the class whose description is closest to the clip is its label.",
        does_not_measure="What the model knows beyond the listed classes; the figure moves with "
        "the wording of the templates.",
        reference="Elizalde et al. 2023, CLAP: learning audio concepts from natural language "
        "supervision",
        critique="Class names carry the annotators' view of the world; ties count as guesses.",
    )
