"""What the labels of a CTC head stand for, and the words that a path of labels spells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

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


def timed_words(path: Sequence[int], labels: Labels, seconds_per_frame: float) -> list[TimedWord]:
    """The words of a path, each from its first label's first frame to its last one's end."""
    found = []
    for word in words_in(runs_of(path, labels.blank), labels):
        text = labels.write(path_of([run.label for run in word], labels.blank)).strip()
        if text:
            start, end = word[0].start, word[-1].end
            found.append(TimedWord(text, start * seconds_per_frame, end * seconds_per_frame))
    return found
