"""Tie groups: who shares a letter cannot be told apart."""

from __future__ import annotations

from string import ascii_lowercase

import numpy as np
import numpy.typing as npt


def compact_letters(is_different: npt.ArrayLike) -> list[str]:
    """Letters of each of k items, such that two share one exactly where no test tells them apart.

    By inserting each significant pair into the columns that hold both, and absorbing columns that
    another holds. Letters go by the order of the items, so ``a`` is with the first one. Shape: a
    symmetric matrix (k, k) to k strings. After the twenty-sixth letter come a1, b1, ...
    Reference: Piepho 2004, Journal of Computational and Graphical Statistics 13.
    """
    differs = np.asarray(is_different, dtype=bool)
    if differs.ndim != 2 or (differs != differs.T).any() or differs.diagonal().any():
        raise ValueError("differences must be a symmetric matrix, false on the diagonal")
    columns = [frozenset(range(len(differs)))]
    for first, second in np.argwhere(np.triu(differs)).tolist():
        split = [
            part
            for column in columns
            for part in (
                (column - {first}, column - {second}) if {first, second} <= column else (column,)
            )
        ]
        columns = _absorbed(split)
    ordered = sorted(columns, key=sorted)
    return [
        "".join(_letter(place) for place, column in enumerate(ordered) if item in column)
        for item in range(len(differs))
    ]


def _absorbed(columns: list[frozenset[int]]) -> list[frozenset[int]]:
    """The columns that no other one holds."""
    distinct = list(dict.fromkeys(columns))
    return [column for column in distinct if not any(column < other for other in distinct)]


def _letter(place: int) -> str:
    turn, letter = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")
