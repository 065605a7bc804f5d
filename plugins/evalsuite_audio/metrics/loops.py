"""Transcripts that go round in circles: words that are repeated over and over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalsuite import Estimate, Table, undefined


@dataclass(frozen=True)
class Loop:
    """The same words several times in a row: ``words`` of them, ``times`` times."""

    words: tuple[str, ...] = ()
    times: int = 0

    @property
    def length(self) -> int:
        """Words from its beginning to its end."""
        return len(self.words) * self.times


# Sentences go round, whole paragraphs hardly do; and looking for those takes ever longer.
MAX_WORDS = 50


def longest_loop(words: Sequence[str], least: int = 2) -> Loop:
    """The loop that takes most words, made of as few words as possible; an empty one if none.

    Args:
        words: The transcript.
        least: How often words must follow one another to count as a loop.
    """
    best = Loop()
    for size in range(1, min(len(words) // least, MAX_WORDS) + 1):
        run = 0  # how many words in a row equal the word one period before
        for at in range(size, len(words)):
            run = run + 1 if words[at] == words[at - size] else 0
            times = 1 + run // size
            if times >= least and size * times > best.length:
                start = at + 1 - size * times
                best = Loop(tuple(words[start : start + size]), times)
    return best


@dataclass(frozen=True)
class Largest:
    """The largest value of a column: the worst that happened. It has no interval.

    Undefined: no row has a value.
    """

    column: str
    name: str

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        del rng
        values = table.numbers(self.column)
        values = values[~np.isnan(values)]
        if not len(values):
            return [undefined(self.name, f"no sample has a value of {self.column}")]
        return [
            Estimate(
                self.name,
                float(values.max()),
                method="maximum; it has no interval",
                n=len(values),
                direction="lower is better",
            )
        ]
