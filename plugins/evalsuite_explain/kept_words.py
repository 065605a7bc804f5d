"""Targets for any transcriber: are the words that it heard, or one of them, still heard?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite import Audio, Request, Transcribe, UsageError
from evalsuite.content import Content
from evalsuite.transcripts import BASIC, align


@dataclass(frozen=True)
class KeptWords:
    """The share of given words that a transcript of the input has, in order, under the basic rule.

    Needs transcripts only, so that services can be explained too. Words that are added cost
    nothing. Gradient explainers explain the log-probability of the words by a CTC model or a
    decoder.
    """

    text: str

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Transcribe the clip."""
        (clip,) = shown
        if not isinstance(clip, Audio):
            raise ValueError("words are heard in a clip")
        return (Transcribe(clip),)

    def score(self, replies: Sequence[Any]) -> float:
        """In [0, 1]."""
        words = BASIC(self.text).split()
        return align(words, BASIC(replies[0].text).split()).count("equal") / len(words)

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The words' log-probability."""
        return shown, self.text


@dataclass(frozen=True)
class KeptWord:
    """Whether one word of a transcript is still heard, at its place among the others: 1 or 0.

    Attributes:
        text: The whole transcript under the basic rule.
        place: Of the word in it.
    """

    text: str
    place: int

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Transcribe the clip."""
        return KeptWords(self.text).requests(shown)

    def score(self, replies: Sequence[Any]) -> float:
        """1 where the alignment with the transcript has it equal, else 0."""
        place = 0
        for step in align(self.text.split(), BASIC(replies[0].text).split()).steps:
            place += len(step.reference)
            if self.place < place:
                return float(step.operation == "equal")
        raise ValueError(f"{self.text!r} has no word {self.place}")

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """Nothing that has gradients says it of one word; raises UsageError."""
        raise UsageError("A gradient explainer cannot explain one word of a transcript.")
