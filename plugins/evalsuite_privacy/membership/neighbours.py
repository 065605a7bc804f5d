"""Neighbours of a text: the same text with a few words exchanged or left out."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"\w+", re.UNICODE)


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
