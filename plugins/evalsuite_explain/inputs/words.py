"""A text divided into words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from evalsuite import Attribution, Text
from evalsuite.content import Content
from evalsuite_explain.inputs.features import Medium, Presence

Word: TypeAlias = tuple[str, tuple[int, int]]
Beside: TypeAlias = Literal["nowhere", "before", "after"]


class Words:
    """A text whose words can be left out, or stood for by something that says nothing.

    Attributes:
        words: Each with its character offsets, half open.
        absent: What stands for a missing word; with nothing, the words that are left close up.
        beside: Where other text stands that stays: words that are left keep apart from it.
    """

    medium: Medium = "text"
    grid: tuple[int, int] = (0, 0)

    def __init__(self, text: str, absent: str = "", beside: Beside = "nowhere") -> None:
        """Divide a text at white space."""
        self.text = text
        self.absent = absent
        self.beside = beside
        self.words = words_of(text)

    def __len__(self) -> int:
        """Number of words."""
        return len(self.words)

    def showing(self, present: Presence) -> Content:
        """The text with only the words that are present."""
        return (Text(self.text if present.all() else self._shown(present)),)

    def _shown(self, present: Presence) -> str:
        if not self.absent:
            left = " ".join(word for (word, _), is_in in zip(self.words, present) if is_in)
            return self._apart(left, present) if left else ""
        pieces, end = [], 0
        for (word, (first, last)), is_in in zip(self.words, present, strict=True):
            pieces += [self.text[end:first], word if is_in else self.absent]
            end = last
        return "".join([*pieces, self.text[end:]])

    def _apart(self, left: str, present: Presence) -> str:
        """Words that are left, parted from other text as the word beside it was or would be."""
        if self.beside == "before":
            return (self.text[: self.words[0][1][0]] if present[0] else " ") + left
        if self.beside == "after":
            return left + (self.text[self.words[-1][1][1] :] if present[-1] else " ")
        return left

    def pooled(self, explained: Attribution) -> list[float]:
        """The sum of the scores of each word's tokens."""
        return word_scores(explained, self.words)

    def columns(self, scores: Sequence[float]) -> Mapping[str, Any]:
        """``word_scores``: ``[[word, score], ...]``."""
        return {"word_scores": as_json(self.words, scores)}


class Kept:
    """A stretch of text that stays whatever is taken away, as an answer does that is explained.

    Attributes:
        text: The stretch.
        is_gap: Whether it is no part of the input: what fills a gap is told by the target.
    """

    medium: Medium = "text"
    grid: tuple[int, int] = (0, 0)

    def __init__(self, text: str, *, is_gap: bool = False) -> None:
        """Keep a stretch of text."""
        self.text, self.is_gap = text, is_gap

    def __len__(self) -> int:
        """It has no features."""
        return 0

    def showing(self, present: Presence) -> Content:
        """The stretch; of a gap, nothing."""
        del present
        return () if self.is_gap else (Text(self.text),)

    def pooled(self, explained: Attribution) -> list[float]:
        """No scores."""
        del explained
        return []

    def columns(self, scores: Sequence[float]) -> Mapping[str, Any]:
        """``word_scores``: the stretch without a score, where it stands among the others."""
        del scores
        return {"word_scores": json.dumps([[self.text, 0.0]])}


def words_of(text: str) -> list[Word]:
    """Words separated by white space, with their character offsets."""
    return [(match.group(), match.span()) for match in re.finditer(r"\S+", text)]


def word_scores(explained: Attribution, words: Sequence[Word]) -> list[float]:
    """The sum of the scores of the tokens that overlap each word; special tokens are left out."""
    totals = [0.0] * len(words)
    for score, (begin, end) in zip(explained.scores, explained.spans, strict=True):
        for index, (_, (first, last)) in enumerate(words):
            if begin < last and end > first:
                totals[index] += score
                break
    return totals


def as_json(words: Sequence[Word], scores: Sequence[float]) -> str:
    """``[[word, score], ...]`` for the report."""
    return json.dumps([[word, round(s, 5)] for (word, _), s in zip(words, scores, strict=True)])
