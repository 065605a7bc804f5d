"""A target for any transcriber: how many of the words it heard are still heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite import Audio, Request, Transcribe
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
