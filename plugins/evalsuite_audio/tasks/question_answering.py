"""Open questions about a clip: the model writes an answer, people's answers judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Sample
from evalsuite.answers import OpenAnswersTask, Scoring, most_frequent, normal_answer


@dataclass(frozen=True)
class QuestionAnswering(OpenAnswersTask):
    """Write an answer to (clip, question) and score it, also for yes/no questions alone.

    A question is of the kind ``yes/no`` where most people answered so, else ``open``; a field
    ``kind`` of the data wins.

    Args:
        metric, prompt, max_tokens: As for all open questions.
        without_audio: Ask without the clip: what the question alone gives away.
    """

    metric: Scoring = "majority"
    prompt: str = "{question} Answer in one word."
    without_audio: bool = False

    medium: ClassVar[Any] = "audio"
    name: ClassVar[str] = "audio/question-answering"
    card: ClassVar[Card] = Card(
        measures="How often the answer that a model writes is the one that most people gave, up "
        "to case, punctuation, articles and number words; over all questions, and over yes/no "
        "questions alone; against always giving the data's most frequent answer.",
        does_not_measure="Answers that are right in other words; and whether the clip was "
        "needed: compare with `without_audio: true`.",
        reference="Lipping et al. 2022, EUSIPCO (Clotho-AQA); normal form as in Goyal et al. 2017",
        critique="A model that explains itself at length is marked wrong: ask for a short answer "
        "in the prompt. Three people often disagree; then each of the most frequent answers "
        "counts.",
    )

    @property
    def is_blind(self) -> bool:
        """Whether the question is asked alone."""
        return self.without_audio

    def kind_of(self, sample: Sample, references: Sequence[str]) -> str:
        """The data's own kind, or what most people's answer is."""
        is_yes_or_no = normal_answer(most_frequent([references])) in ("yes", "no")
        return str(sample.get("kind") or ("yes/no" if is_yes_or_no else "open"))
