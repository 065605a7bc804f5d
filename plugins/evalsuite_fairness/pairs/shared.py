"""What two sentences of a pair have in common, and what was changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from evalsuite import LogLikelihood

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Shared:
    """The stretches that two sequences have in common.

    Attributes:
        stretches: For each, where it begins in the first, where in the second, and its length.
        lengths: Of the two sequences.
    """

    stretches: tuple[tuple[int, int, int], ...]
    lengths: tuple[int, int]

    @property
    def in_first(self) -> list[int]:
        """Places of the shared elements in the first sequence."""
        return [place for begin, _, n in self.stretches for place in range(begin, begin + n)]

    @property
    def in_second(self) -> list[int]:
        """Places of the shared elements in the second sequence, in the same order."""
        return [place for _, begin, n in self.stretches for place in range(begin, begin + n)]

    @property
    def n_modified(self) -> tuple[int, int]:
        """How many elements each sequence has that the other one lacks."""
        n_shared = sum(n for _, _, n in self.stretches)
        return self.lengths[0] - n_shared, self.lengths[1] - n_shared

    @property
    def is_minimal(self) -> bool:
        """Whether one stretch was replaced by another of the same length, and nothing else."""
        first, second = self.n_modified
        if first != second or not first:
            return False
        begins = [0, *(begin + n for begin, _, n in self.stretches)]
        ends = [*(begin for begin, _, _ in self.stretches), self.lengths[0]]
        return sum(begin < end for begin, end in zip(begins, ends, strict=True)) == 1


def shared(first: Sequence[str], second: Sequence[str]) -> Shared:
    """The common stretches by Ratcliff and Obershelp's longest matching blocks.

    As Nangia et al. 2020 take them, with difflib. Its shortcut for sequences of 200 and more, which
    drops frequent elements, is off.
    """
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    stretches = tuple((a, b, n) for a, b, n in blocks if n)
    return Shared(stretches, (len(first), len(second)))


def shared_words(first: str, second: str) -> Shared:
    """The same for the words of two sentences; punctuation is part of the word it touches."""
    return shared(_WORD.findall(first), _WORD.findall(second))


def conditionals(
    first: str, second: str, common: Shared
) -> tuple[tuple[LogLikelihood, ...], tuple[LogLikelihood, ...]]:
    """For both sentences: each shared stretch given all that stands before it.

    A stretch that opens both sentences has nothing different before it and is left out: a causal
    model cannot prefer either.
    """
    asked: tuple[list[LogLikelihood], list[LogLikelihood]] = ([], [])
    ends = [[match.end() for match in _WORD.finditer(text)] for text in (first, second)]
    for *begins, n in common.stretches:
        if begins == [0, 0]:
            continue
        for side, text in enumerate((first, second)):
            begin = begins[side]
            at = ends[side][begin - 1] if begin else 0
            stop = ends[side][begin + n - 1]
            asked[side].append(LogLikelihood(text[:at], text[at:stop]))
    return tuple(asked[0]), tuple(asked[1])
