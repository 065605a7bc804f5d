"""Targets at a place of a text: what fills a gap, the label of a word, an answer that stands there.

The input is a joint of the texts around the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite import ClassifyWord, MaskedTokenScores, Request, ScoreSpan
from evalsuite.content import Content, text_of
from evalsuite_explain.targets import LabelScore


@dataclass(frozen=True)
class FillingScore:
    """log P(filling | the two texts around it) of a masked model, in nats.

    The input is a joint of both texts. White space that parts the filling from them belongs to it
    (``" he "``), as it stays where words around are left out; it is not scored.
    """

    filling: str

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Score its tokens, each hidden with those after it in its word."""
        before, after = (text_of((part,)) for part in shown)
        begin = len(before) + len(self.filling) - len(self.filling.lstrip())
        within = (begin, begin + len(self.filling.strip()))
        return (MaskedTokenScores(before + self.filling + after, "word", within),)

    def score(self, replies: Sequence[Any]) -> float:
        """In nats, at most 0."""
        return float(sum(replies[0].logprobs))

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The same."""
        return shown, self.filling


@dataclass(frozen=True)
class WordLabelScore(LabelScore):
    """LabelScore of one word, by a token classifier.

    The input is a joint of the texts before the word, of it and after it. Where the word itself is
    taken away, one stands there of which nothing is known.
    """

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Classify the word in its place."""
        before, word, after = (text_of((part,)) for part in shown)
        before_it = before.split()
        words = (*before_it, word.strip(), *after.split())
        return (ClassifyWord(words, len(before_it)),)


@dataclass(frozen=True)
class SpanScore:
    """The score of an answer where it stands in a context: of its start and its end, summed.

    The input is a joint of the question, and of the texts before the answer, of it and after it;
    the answer stays.
    """

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Score the answer."""
        question, before, answer, after = (text_of((part,)) for part in shown)
        context, begin = before + answer + after, len(before)
        return (ScoreSpan(question, context, begin, begin + len(answer)),)

    def score(self, replies: Sequence[Any]) -> float:
        """A sum of two logits."""
        return float(replies[0].score)

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The same."""
        return shown, ""
