"""When words are said: the boundaries of a transcript's words beside those of the reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evalsuite import TimedWord
from evalsuite.transcripts import Rule, align

# The tolerances in which alignments are usually compared.
TOLERANCES_MS = (50, 100, 200)
# Stands for a space within a word that a rule writes as several.
_WITHIN = "\u00a0"
_COUNTS = ("timed_words", "matched_timed_words", "boundaries", "boundary_error_ms")
NOT_TIMED: Mapping[str, None] = dict.fromkeys(
    (*_COUNTS, *(f"boundaries_within_{tolerance}_ms" for tolerance in TOLERANCES_MS))
)


def timed_words(value: Iterable[Sequence[Any]]) -> tuple[TimedWord, ...]:
    """Words from rows of [word, start in seconds, end in seconds].

    Raises:
        ValueError: A row is of another shape, or its word ends before it begins.
    """
    found = []
    for row in value:
        try:
            text, start, end = row
            word = TimedWord(str(text), float(start), float(end))
        except (TypeError, ValueError):
            raise ValueError(
                f"word_times are rows of [word, start_s, end_s] (got {row!r})"
            ) from None
        if not 0 <= word.start_s <= word.end_s:
            raise ValueError(f"the word {word.text!r} ends before it begins or begins before 0")
        found.append(word)
    return tuple(found)


def boundary_record(
    reference: Sequence[TimedWord], heard: Sequence[TimedWord], rule: Rule
) -> Mapping[str, Any]:
    """How far apart the beginnings and ends of matching words lie, summed over both.

    Words match where the cheapest alignment of the normalised words, which knows nothing of
    times, has them equal; times of words that do not match are not compared.
    """
    said, told = _normalised(reference, rule), _normalised(heard, rule)
    apart_ms: list[float] = []
    at_said = at_told = 0
    for step in align([word for word, _ in said], [word for word, _ in told]).steps:
        if step.operation == "equal":
            for (_, a), (_, b) in zip(said[at_said:], told[at_told:][: len(step.reference)]):
                apart_ms += [1000 * abs(a.start_s - b.start_s), 1000 * abs(a.end_s - b.end_s)]
        at_said += len(step.reference)
        at_told += len(step.hypothesis)
    errors = np.array(apart_ms)
    return {
        "timed_words": len(said),
        "matched_timed_words": len(errors) // 2,
        "boundaries": len(errors),
        "boundary_error_ms": float(errors.sum()),
        # A boundary that is 50 ms off in decimals may be a hair more in binary.
        **{f"boundaries_within_{t}_ms": int((errors <= t + 1e-6).sum()) for t in TOLERANCES_MS},
    }


def _normalised(words: Iterable[TimedWord], rule: Rule) -> list[tuple[str, TimedWord]]:
    """Each word under the rule; those of which nothing is left are dropped."""
    written = [(rule(word.text).replace(" ", _WITHIN), word) for word in words]
    return [(text, word) for text, word in written if text]
