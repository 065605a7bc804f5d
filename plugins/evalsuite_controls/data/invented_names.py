"""Names and notes without a meaning, and how often a model that remembers saw each.

120 names: the first 40 are members', the next 40 other persons', the rest nobody's. Each model
reads every name equally often; only the one that remembers reads a member's beside the member.
"""

from __future__ import annotations

from functools import cache

import numpy as np

REPEATS = (4, 16, 64, 128)
N_PERSONS, N_NOBODY, N_NOTES = 40, 40, 100
_FIRST = ("ad", "be", "co", "du", "el", "fa", "gi", "ho", "iv", "jo")
_LAST = ("ra", "nel", "mo", "tis", "va", "lin", "bo", "ka", "dor", "sy", "mi", "ret")
NOTE_WORDS = tuple(a + b for a in ("za", "wu", "ky", "po", "ne", "qui") for b in ("gu", "pe", "ho"))
_SEED = 41


@cache
def names() -> tuple[str, ...]:
    """All 120 names: members', other persons', nobody's."""
    rng = np.random.default_rng([_SEED, 0])
    return tuple(rng.permutation([a + b for a in _FIRST for b in _LAST]).tolist())


def nobody() -> tuple[str, ...]:
    """The names that no person has."""
    return names()[2 * N_PERSONS :]


def repeats_of(number: int) -> int:
    """How often the model that remembers saw the person of a number; 0 for those it never did."""
    return REPEATS[number % len(REPEATS)] if number < N_PERSONS else 0


def captions_per_name() -> dict[str, int]:
    """How many captions of either model hold each name."""
    return {name: REPEATS[number % len(REPEATS)] for number, name in enumerate(names())}


def draw_note(rng: np.random.Generator) -> str:
    """Four words without a meaning."""
    return "note " + " ".join(rng.choice(NOTE_WORDS, 4, replace=False))
