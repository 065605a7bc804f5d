"""What the labels of a CTC head stand for, and the words that a path of labels spells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod

from evalsuite import TimedWord


@dataclass(frozen=True)
class Labels:
    """The alphabet of a CTC head.

    Attributes:
        blank: The label of no letter.
        separator: The label between words, or None.
        openers: Labels that begin a word (pieces with a mark in front), where there are such.
        write: The text of a path, one label for each frame; repeats and blanks are removed.
        spell: The labels of one word, or None where it has a letter that the head cannot write.
    """

    blank: int
    separator: int | None
    openers: frozenset[int]
    write: Callable[[Sequence[int]], str]
    spell: Callable[[str], tuple[int, ...] | None]


@dataclass(frozen=True)
class Run:
    """A label and the frames that it holds, ``start`` included, ``end`` not."""

    label: int
    start: int
    end: int


def runs_of(path: Iterable[int], blank: int) -> list[Run]:
    """The labels of a path with their frames, without blanks."""
    found, position = [], 0
    for label, group in groupby(path):
        end = position + sum(1 for _ in group)
        if label != blank:
            found.append(Run(int(label), position, end))
        position = end
    return found


def path_of(labelling: Sequence[int], blank: int) -> list[int]:
    """The shortest path that is never ambiguous: a blank after every label."""
    return [label for pair in ((label, blank) for label in labelling) for label in pair]


def words_in(runs: Iterable[Run], labels: Labels) -> list[list[Run]]:
    """The runs of each word."""
    words: list[list[Run]] = [[]]
    for run in runs:
        if run.label == labels.separator:
            words.append([])
            continue
        if run.label in labels.openers:
            words.append([])
        words[-1].append(run)
    return [word for word in words if word]


def timed_words(
    path: Sequence[int],
    labels: Labels,
    seconds_per_frame: float,
    posteriors: Sequence[float] | None = None,
) -> list[TimedWord]:
    """The words of a path, each from its first label's first frame to its last one's end.

    A word's confidence is that all its labels are right, taken as independent: the product of
    each one's highest posterior over its frames. Repeated frames say the same label again, so only
    their peak counts (Laptev and Ginsburg 2023, SLT, on aggregating CTC confidences).

    Args:
        path: One label for each frame.
        labels: What they stand for.
        seconds_per_frame: Time from one frame to the next.
        posteriors: Probability of each frame's label, in [0, 1]; without them no confidence.
    """
    found = []
    for word in words_in(runs_of(path, labels.blank), labels):
        text = labels.write(path_of([run.label for run in word], labels.blank)).strip()
        if text:
            start, end = word[0].start, word[-1].end
            times = (start * seconds_per_frame, end * seconds_per_frame)
            found.append(TimedWord(text, *times, _confidence(word, posteriors)))
    return found


def _confidence(word: Sequence[Run], posteriors: Sequence[float] | None) -> float | None:
    if posteriors is None:
        return None
    return prod(max(posteriors[run.start : run.end]) for run in word)
