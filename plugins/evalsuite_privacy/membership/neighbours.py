"""Neighbours of a text: the same text with a few words exchanged, by chance or by a model."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evalsuite import SubstituteTokens, Substitutions
from evalsuite.second_model import SecondModel

_WORD = re.compile(r"\w+", re.UNICODE)


class Neighbourhood(Protocol):
    """Knows the neighbours of the texts that a probe asks about."""

    def of(self, text: str) -> Sequence[str]:
        """The neighbours of one text; none where it has none."""
        ...


@dataclass(frozen=True)
class DrawnNeighbours:
    """Neighbours with words drawn at random.

    Attributes:
        words: What to put in place of a word.
        count: How many neighbours each text gets.
        share: Share of the words that are changed.
        seed: Of the draws.
    """

    words: tuple[str, ...]
    count: int
    share: float = 0.1
    seed: int = 0

    def of(self, text: str) -> Sequence[str]:
        """Draw them."""
        return neighbours_of(text, self.count, self.words, share=self.share, seed=self.seed)


@dataclass(frozen=True, eq=False)
class FilledNeighbours:
    """Neighbours that a masked language model finds likely, one token each (Mattern et al. 2023).

    Attributes:
        by_text: The neighbours of each text; a text that the model cannot read has none.
    """

    by_text: Mapping[str, tuple[str, ...]]

    @classmethod
    def by(
        cls, filler: SecondModel, texts: Iterable[str], count: int, *, hidden: float, seed: int
    ) -> FilledNeighbours:
        """Ask the model about all texts at once.

        Args:
            filler: A masked language model.
            texts: The texts.
            count: How many neighbours each gets; fewer where there are no more.
            hidden: Share of the replaced token's input vector that the model does not see.
            seed: Of what is hidden.
        """
        requests = {text: SubstituteTokens(text, count, hidden, seed) for text in texts}
        answers, _ = filler.answers(list(requests.values()))
        found = {text: answers[request.digest] for text, request in requests.items()}
        return cls({t: a.texts for t, a in found.items() if isinstance(a, Substitutions)})

    def of(self, text: str) -> Sequence[str]:
        """Look them up."""
        return self.by_text.get(text, ())


def words_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The distinct words of some texts, sorted: what neighbours take their words from."""
    return tuple(sorted({word for text in texts for word in _WORD.findall(text)}))


def neighbours_of(
    text: str, count: int, words: Sequence[str], *, share: float = 0.1, seed: int = 0
) -> tuple[str, ...]:
    """Texts that differ from one in a share of its words, each exchanged or left out.

    What comes of a text depends on the text, the words and the seed alone. Exchanged words keep
    their place and the spaces around them; of three changes two exchange and one leaves out.

    Args:
        text: The text.
        count: How many neighbours.
        words: What to put in place of a word; without any, words are left out only.
        share: Share of the words that are changed, at least one.
        seed: Of the draws.

    Returns:
        ``count`` texts; fewer where a change leaves nothing, none for a text without words.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    if not places:
        return ()
    draw = random.Random(f"{seed}-{text}")
    n = max(1, round(share * len(places)))
    changed = [_changed(text, draw.sample(places, n), words, draw) for _ in range(count)]
    return tuple(neighbour for neighbour in changed if neighbour)


def _changed(
    text: str, places: Sequence[tuple[int, int]], words: Sequence[str], draw: random.Random
) -> str:
    for start, end in sorted(places, reverse=True):
        others = words and draw.random() < 2 / 3
        word = draw.choice(words) if others else ""
        if word == text[start:end]:
            word = ""
        text = text[:start] + word + text[end:]
    return re.sub(r"  +", " ", text).strip()
