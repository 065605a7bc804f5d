"""Which samples stand in the page, where it cannot hold all: the noteworthy first, then a draw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TypeAlias

from evalsuite.report.noteworthy import KINDS, Marks, Outcome, marks, outcome
from evalsuite.report.wording import plain_utf8
from evalsuite.store import JobResult, Run

# A sample is the same in two runs when its id and its content are.
Key: TypeAlias = tuple[str, str]
Job: TypeAlias = tuple[Run, JobResult]


@dataclass(frozen=True)
class Candidate:
    """A sample that the page may hold: where it stands in its source, and what stands out."""

    place: int
    marks: Marks


def candidates(jobs: Sequence[Job]) -> dict[Key, Candidate]:
    """All samples of the jobs of one probe, in source order."""
    outcomes: dict[Key, list[Outcome]] = {}
    for run, job in jobs:
        for row in run.outlines(job.id):
            made = outcome(row.status, row.record)
            outcomes.setdefault((row.id, row.content_hash), []).append(made)
    return {key: Candidate(place, marks(o)) for place, (key, o) in enumerate(outcomes.items())}


def in_order_of_want(found: Mapping[Key, Candidate], seed: int) -> list[Key]:
    """All samples, so that any first part of them is half noteworthy and half drawn.

    Noteworthy ones of each kind come by turns, so that many of one kind crowd out none of the
    others. The drawn order is that by which a run keeps media: what is shown can be seen.
    """

    def drawn(key: Key) -> str:
        return hashlib.sha256(plain_utf8(f"{seed}:{key[0]}")).hexdigest()

    seeded = sorted(found, key=drawn)
    kinds = [[key for key in seeded if getattr(found[key].marks, kind)] for kind in KINDS]
    noteworthy = _by_turns(*kinds)
    first = [key for pair in zip(noteworthy, seeded, strict=False) for key in pair]
    return list(dict.fromkeys([*first, *noteworthy, *seeded]))


def _by_turns(*lists: Sequence[Key]) -> list[Key]:
    mixed = chain.from_iterable(zip_longest(*lists))
    return list(dict.fromkeys(key for key in mixed if key is not None))


def shares(counts: Sequence[int], total: int) -> list[int]:
    """How many of each probe's samples fit ``total``: the same number, or all where it has fewer.

    Every probe that has samples keeps one at least.
    """
    low, high = 1, max(counts, default=1)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(n, middle) for n in counts) <= total:
            low = middle
        else:
            high = middle - 1
    return [min(n, low) for n in counts]
