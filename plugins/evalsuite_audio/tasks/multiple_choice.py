"""Multiple-choice questions about a clip: by likelihood or by generation, in every rotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card
from evalsuite.answers import MultipleChoiceTask


@dataclass(frozen=True)
class MultipleChoice(MultipleChoiceTask):
    """Choose among the given answers of a question about a clip.

    Args:
        delimiter, by, circular, listing, max_tokens: As for all multiple choice.
        without_audio: Ask without the clip: what the question alone gives away.
    """

    without_audio: bool = False

    medium: ClassVar[Any] = "audio"
    name: ClassVar[str] = "audio/multiple-choice"
    card: ClassVar[Card] = Card(
        measures="How often the answer that a model prefers among the given ones, or writes, is "
        "the right one; with `circular: true` also how often it is in every order of the list.",
        does_not_measure="Free answers, and whether the clip was needed: compare with "
        "`without_audio: true`.",
        reference="Sakshi et al. 2025, ICLR (MMAU); scoring by likelihood as in language-model "
        "multiple choice; Liu et al. 2024, MMBench (CircularEval)",
        critique="A model can do well on the prior of the answers alone. Total likelihood favours "
        "short choices, likelihood per byte long ones. Written answers are parsed strictly: read "
        "accuracy by generation next to the share of answers that could not be parsed.",
    )

    @property
    def is_blind(self) -> bool:
        """Whether the question is asked alone."""
        return self.without_audio
