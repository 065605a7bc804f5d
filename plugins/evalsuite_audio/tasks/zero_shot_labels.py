"""Zero-shot classification of clips that have several labels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedAudio, EmbedText, Metric, SimilarityScale
from evalsuite.zero_shot import MeanAveragePrecision, ZeroShotLabelsTask


@dataclass(frozen=True)
class ZeroShotLabels(ZeroShotLabelsTask):
    """Rank clips for each class by how close they are to its description."""

    templates: tuple[str, ...] = ("this is a sound of {}",)

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "audio/zero-shot-labels"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "labels")
    metrics: ClassVar[Sequence[Metric]] = (MeanAveragePrecision(what="clip"),)
    card: ClassVar[Card] = Card(
        measures="For each class, whether clips that have it rank above those that have not.",
        does_not_measure="A threshold that says yes or no; scores of different classes are not "
        "compared.",
        reference="Gemmeke et al. 2017 (AudioSet) and Fonseca et al. 2022 (FSD50K): mean average "
        "precision over classes",
        critique="Annotators leave out labels that would also fit.",
    )
