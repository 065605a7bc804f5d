"""Modalities of generative models: does an answer rest on the question or on what is shown?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, LogLikelihood, Sample, Text
from evalsuite.answers import choices_of
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
from evalsuite_explain.targets import ContinuationScore

_MEASURES = (
    "How much of log P(answer | {medium}, question) the words of the question contribute beside "
    "the {cells} of the {medium}, by Shapley values of the chosen answer; the accuracy that is "
    "lost with another sample's {medium} or question, and without each; and what both are worth "
    "together beyond each alone."
)
_NOT = "Whether the answers' own words help: they are no features."


@dataclass(frozen=True)
class ImageAnswerModality(ModalityContribution):
    """Does a choice among answers rest on the question or on the picture?

    Args:
        n_permutations: Orders in which features arrive, for Shapley values.
        after: What stands between the question and an answer; no feature.
        delimiter: What stands before a choice.
    """

    after: str = "\nAnswer:"
    delimiter: str = " "

    media: ClassVar[Any] = ("image",)
    name: ClassVar[str] = "explain/image-answer-modality"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("image", "question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(medium="image", cells="patches"),
        does_not_measure=_NOT,
        reference=REFERENCE,
        critique=CRITIQUE,
    )

    def choices(self, sample: Sample, context: Partners) -> tuple[Sequence[str], int]:
        """Those of the sample."""
        del context
        return choices_of(sample)

    def words(self, sample: Sample, choice: str) -> Words:
        """Of the question."""
        del choice
        return Words(str(sample["question"]))

    def cells(self, sample: Sample, n_words: int) -> Any:
        """Patches in the mean colour."""
        return Picture(sample["image"], grid_side(n_words))

    def target(self, choice: str) -> ContinuationScore:
        """Log P(choice | picture, question)."""
        return ContinuationScore(self.delimiter + choice, after=(Text(self.after),))

    def text_of(self, sample: Sample, context: Partners) -> str:
        """The question."""
        return str(sample["question"])


@dataclass(frozen=True)
class AudioAnswerModality(ImageAnswerModality):
    """Does a choice among answers rest on the question or on the clip?

    Args:
        n_permutations, after, delimiter: As for pictures.
    """

    medium: ClassVar[str] = "audio"
    media: ClassVar[Any] = ("audio",)
    name: ClassVar[str] = "explain/audio-answer-modality"
    fields: ClassVar[Any] = ("audio", "question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(medium="clip", cells="moments"),
        does_not_measure=_NOT,
        reference=REFERENCE,
        critique=CRITIQUE,
    )

    def cells(self, sample: Sample, n_words: int) -> Any:
        """Silent moments."""
        return Clip(sample["audio"], max(1, n_words))
