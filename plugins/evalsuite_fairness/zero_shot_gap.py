"""Is a dual encoder's zero-shot classification as good for every group?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    Card,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    GroupGap,
    Metric,
    Proportion,
    Sample,
    SimilarityScale,
)
from evalsuite.zero_shot import (
    Classes,
    ZeroShotProbe,
    class_index,
    classification_record,
    embed,
    predict,
)

_CARD = Card(
    measures="The largest difference between two groups in the share of inputs whose closest class "
    "description is right. Group rates come from fairlearn's MetricFrame.",
    does_not_measure="Why they differ: groups can differ in difficulty. Groups below the minimum "
    "size are left out and named, not counted as zero.",
    reference="Agarwal et al. 2021, Evaluating CLIP; Bird et al. 2020, Fairlearn",
    critique="The gap of two noisy rates is never below zero: it is compared with the mean gap of "
    "permuted groups, not with zero.",
)


@dataclass(frozen=True)
class _ZeroShotGap(ZeroShotProbe):
    """Accuracy by group.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        group: Field that tells groups apart.
        min_group_size: Groups with fewer samples are left out.
        margin: A gap beyond the permutation null that does not matter.
    """

    group: str = "group"
    min_group_size: int = 30
    margin: float = 0.02

    family: ClassVar[Any] = "fairness"
    card: ClassVar[Card] = _CARD

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The gap first."""
        return (
            GroupGap(
                "correct",
                "group",
                name="accuracy gap",
                min_group_size=self.min_group_size,
                margin=self.margin,
                primary=True,
            ),
            Proportion("correct", name="accuracy", chance="chance", direction="higher is better"),
        )

    def ask(self, sample: Sample, context: Classes) -> Any:
        """Embed and compare, as the task probe does."""
        target = class_index(str(sample["label"]), context.names)
        group = str(sample[self.group])
        embedding = yield embed(sample[self.medium])
        found = predict(embedding.vector, context.vectors, context.similarity, target)
        record: Mapping[str, Any] = classification_record(found, target, context.names, sample)
        return {**record, "group": group}


@dataclass(frozen=True)
class ImageZeroShotGap(_ZeroShotGap):
    """Accuracy of zero-shot image classification by group."""

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "fairness/image-zero-shot-gap"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "label")


@dataclass(frozen=True)
class AudioZeroShotGap(_ZeroShotGap):
    """Accuracy of zero-shot sound classification by group."""

    templates: tuple[str, ...] = ("this is a sound of {}",)

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "fairness/audio-zero-shot-gap"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label")
