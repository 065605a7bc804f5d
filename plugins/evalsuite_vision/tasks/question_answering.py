"""Multiple-choice questions about an image: by likelihood or by generation, in every rotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card
from evalsuite.answers import MultipleChoiceTask


@dataclass(frozen=True)
class VisualQuestionAnswering(MultipleChoiceTask):
    """Choose among the given answers of a question about an image.

    Args:
        delimiter, by, circular, listing, max_tokens: As for all multiple choice.
        without_image: Ask without the image: what the question alone gives away.
    """

    without_image: bool = False

    medium: ClassVar[Any] = "image"
    name: ClassVar[str] = "vision/visual-question-answering"
    card: ClassVar[Card] = Card(
        measures="How often the answer that a model prefers among the given ones, or writes, is "
        "the right one; with `circular: true` also how often it is in every order of the list.",
        does_not_measure="Free answers, and whether the image was needed: compare with "
        "`without_image: true`.",
        reference="Goyal et al. 2017 (the V in VQA matters); scoring by likelihood as in "
        "language-model multiple choice; Liu et al. 2024, MMBench (CircularEval)",
        critique="A model can do well on the prior of the answers alone. Total likelihood favours "
        "short choices, likelihood per byte long ones. Written answers are parsed strictly: read "
        "accuracy by generation next to the share of answers that could not be parsed.",
    )

    @property
    def is_blind(self) -> bool:
        """Whether the question is asked alone."""
        return self.without_image
