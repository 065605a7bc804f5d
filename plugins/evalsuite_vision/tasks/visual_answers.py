"""Open questions about an image: the model writes an answer, people's answers judge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card
from evalsuite.answers import OpenAnswersTask


@dataclass(frozen=True)
class OpenQuestionAnswering(OpenAnswersTask):
    """Write an answer to (image, question) and score it.

    Args:
        metric, prompt, max_tokens: As for all open questions.
        without_image: Ask without the image: what the question alone gives away.
    """

    without_image: bool = False

    medium: ClassVar[Any] = "image"
    name: ClassVar[str] = "vision/open-question-answering"
    card: ClassVar[Card] = Card(
        measures="How well the answers that a model writes agree with people's answers, against "
        "always giving the data's most frequent answer.",
        does_not_measure="Answers that are right in other words; and whether the image was "
        "needed: compare with `without_image: true`.",
        reference="Antol et al. 2015 and Goyal et al. 2017 (VQA); Biten et al. 2019 (ANLS); Masry "
        "et al. 2022 (relaxed accuracy)",
        critique="A model that explains itself at length is marked wrong: ask for a short answer "
        "in the prompt.",
    )

    @property
    def is_blind(self) -> bool:
        """Whether the question is asked alone."""
        return self.without_image
