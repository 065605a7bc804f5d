"""From the names that a model picked for a person's media to whether it knows the person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
NO_NAME = -1


def majority(votes: Integers) -> Integers:
    """The name that most of a person's media got under each prompt, (prompts,).

    A tie for the first place names nobody (-1), as does a vote that was itself tied; the number of
    the name must not decide.

    Args:
        votes: Index of the closest name for each medium under each prompt, (media, prompts).
    """
    return np.array([_first(column[column != NO_NAME]) for column in votes.T], dtype=np.int64)


def _first(votes: Integers) -> int:
    names, counts = np.unique(votes, return_counts=True)
    leading = names[counts == counts.max()] if counts.size else names
    return int(leading[0]) if len(leading) == 1 else NO_NAME


def prompts_right(elected: Sequence[Integers], names: Integers) -> Integers:
    """How many prompts name each person rightly, (persons,).

    Args:
        elected: The majority's name under each prompt, for each person (prompts,).
        names: Each person's own name, (persons,).
    """
    return np.asarray((np.stack(elected) == names[:, None]).sum(axis=1), dtype=np.int64)


def closest(similarities: npt.NDArray[np.float64]) -> Integers:
    """Index of the largest of the last axis; -1 where several are largest."""
    best = similarities.max(axis=-1, keepdims=True)
    is_single = (similarities == best).sum(axis=-1) == 1
    return np.where(is_single, similarities.argmax(axis=-1), NO_NAME)
