"""Modalities of dual encoders: does a match rest on the words or on what they describe?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    Card,
    DataError,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Sample,
    SimilarityScale,
)
from evalsuite.answers import choices_of
from evalsuite.zero_shot import class_index, fill
from evalsuite_explain.inputs.clip import Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.modality.contribution import (
    CRITIQUE,
    REFERENCE,
    ModalityContribution,
    Partners,
)
from evalsuite_explain.modality.shares import grid_side
from evalsuite_explain.targets import MatchScore

_MEASURES = (
    "How much of the similarity of the {medium} and its nearest text the words contribute beside "
    "the {cells} of the {medium}, by Shapley values; the accuracy that is lost with another "
    "sample's {medium} or texts, and without each; and what both are worth together beyond each "
    "alone."
)
_NOT = "Which words or cells matter: see the explanations."


@dataclass(frozen=True)
class ImageMatchModality(ModalityContribution):
    """Does a picture's nearest text rest on the words or on the picture?

    Samples have ``choices`` and ``answer``, or a ``label``; the texts of labels are made by the
    template.

    Args:
        n_permutations: Orders in which features arrive, for Shapley values.
        template: The text of a label; ``{}`` or ``{c}`` is its name.
        classes: Names of all labels; without them, those that the data have.
    """

    template: str = "a photo of a {}"
    classes: tuple[str, ...] = ()

    name: ClassVar[str] = "explain/image-match-modality"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image",)
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(medium="image", cells="patches"),
        does_not_measure=_NOT,
        reference=REFERENCE,
        critique=CRITIQUE,
    )

    def choices(self, sample: Sample, context: Partners) -> tuple[Sequence[str], int]:
        """The sample's own texts, or one for each label."""
        if sample.get("choices") is not None:
            return choices_of(sample)
        if sample.get("label") is None:
            raise DataError("a sample needs `choices` and `answer`, or a `label`; it has neither")
        names = self.classes or context.classes
        texts = [fill(self.template, name) for name in names]
        return texts, class_index(str(sample["label"]), names)

    def words(self, sample: Sample, choice: str) -> Words:
        """Of the text."""
        del sample
        return Words(choice)

    def cells(self, sample: Sample, n_words: int) -> Any:
        """Patches in the mean colour."""
        return Picture(sample["image"], grid_side(n_words))

    def target(self, choice: str) -> MatchScore:
        """The similarity, scaled as the model does."""
        del choice
        return MatchScore()

    def text_of(self, sample: Sample, context: Partners) -> str:
        """The right text."""
        if sample.get("choices") is None:
            return str(sample.get("label"))
        choices, target = choices_of(sample)
        return choices[target]

    def other_choice(self, read: Sample, offset: int, context: Partners, choice: str) -> str:
        """The other sample's texts, its right one in the place of the own right one."""
        choices, target = self.choices(read, context)
        return choices[(target + offset) % len(choices)]


@dataclass(frozen=True)
class AudioMatchModality(ImageMatchModality):
    """Does a clip's nearest text rest on the words or on the sound?

    Args:
        n_permutations, template, classes: As for pictures.
    """

    template: str = "this is a sound of {}"

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "explain/audio-match-modality"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio",)
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(medium="clip", cells="moments"),
        does_not_measure=_NOT,
        reference=REFERENCE,
        critique=CRITIQUE,
    )

    def cells(self, sample: Sample, n_words: int) -> Any:
        """Silent moments."""
        return Clip(sample["audio"], max(1, n_words))
