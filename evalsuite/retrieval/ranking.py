"""Where the right candidates of every query stand among all candidates, with ties counted.

Equal vectors are scored once, so that they tie exactly: products of matrices may round the same
row differently at different places.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating]
Integers: TypeAlias = npt.NDArray[np.int64]
# Scores of a stretch of queries against all candidates, [queries, candidates].
ScoresOf: TypeAlias = Callable[[slice], Floats]

_CHUNK = 256  # a stretch of scores that stays in a processor's cache
# A matrix of more scores than this (256 MiB) is computed a stretch at a time, once for each way.
_LARGEST_MATRIX = 2**26
# With more right candidates for a query than this, sorting is cheaper than comparing with each.
_FEW = 12


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which candidates are right for which query: parallel arrays, each pair once, by query."""

    queries: Integers
    candidates: Integers

    @classmethod
    def of(cls, queries: npt.ArrayLike, candidates: npt.ArrayLike, n_candidates: int) -> Pairs:
        """Sort pairs by query and leave out repetitions."""
        rows, columns = np.asarray(queries, np.int64), np.asarray(candidates, np.int64)
        keys = np.unique(rows * n_candidates + columns)
        return cls(keys // n_candidates, keys % n_candidates)

    def turned(self, n_queries: int) -> Pairs:
        """The same pairs with queries and candidates exchanged."""
        return Pairs.of(self.candidates, self.queries, n_queries)


@dataclass(frozen=True, eq=False)
class Standing:
    """One entry for each right pair, sorted by query and then by falling score.

    Attributes:
        query: Index of the query.
        above: Candidates of that query that score higher.
        tied: Candidates that score the same, this one included.
        right_above: Right candidates among ``above``.
        right_tied: Right candidates among ``tied``, this one included.
    """

    query: Integers
    above: Integers
    tied: Integers
    right_above: Integers
    right_tied: Integers


def standing(scores_of: ScoresOf, pairs: Pairs) -> Standing:
    """Count who stands above and beside every right candidate; every query must have one."""
    parts = []
    n_queries = int(pairs.queries[-1]) + 1
    for begin in range(0, n_queries, _CHUNK):
        part = slice(begin, min(begin + _CHUNK, n_queries))
        chosen = slice(*np.searchsorted(pairs.queries, [part.start, part.stop]))
        rows, columns = pairs.queries[chosen] - begin, pairs.candidates[chosen]
        parts.append((begin, *_stretch(scores_of(part), rows, columns)))
    columns_of = list(zip(*parts, strict=True))
    query = np.concatenate([rows + b for b, rows in zip(columns_of[0], columns_of[1], strict=True)])
    return Standing(query, *(np.concatenate(column) for column in columns_of[2:]))


def all_tied(pairs: Pairs, n_candidates: int) -> Standing:
    """The standing under a model that scores everything the same: pure chance."""
    n_right = np.bincount(pairs.queries)[pairs.queries]
    none = np.zeros_like(pairs.queries)
    return Standing(pairs.queries, none, none + n_candidates, none, n_right)


def _stretch(scores: Floats, rows: Integers, columns: Integers) -> tuple[Integers, ...]:
    """The five columns of a Standing for the queries of one stretch."""
    own = scores[rows, columns]
    order = np.lexsort((-own, rows))
    rows, own = rows[order], own[order]
    starts_row = np.r_[True, rows[1:] != rows[:-1]]
    starts_tie = starts_row | np.r_[True, own[1:] != own[:-1]]
    place = np.arange(len(rows))
    row_start = np.maximum.accumulate(np.where(starts_row, place, 0))
    tie_start = np.maximum.accumulate(np.where(starts_tie, place, 0))
    right_tied = np.bincount(tie_start)[tie_start]
    nth = place - row_start
    count = _by_comparing if nth.max() < _FEW else _by_sorting
    above, tied = count(scores, rows, own, nth)
    return rows, above, tied, tie_start - row_start, right_tied


def _by_comparing(
    scores: Floats, rows: Integers, own: Floats, nth: Integers
) -> tuple[Integers, Integers]:
    """Compare all candidates with the first right one of every query, then the second, ..."""
    above, tied = np.empty_like(rows), np.empty_like(rows)
    for n in range(int(nth.max()) + 1):
        here = np.flatnonzero(nth == n)
        part = scores if len(here) == len(scores) else scores[rows[here]]
        above[here] = np.count_nonzero(part > own[here, None], axis=1)
        tied[here] = np.count_nonzero(part == own[here, None], axis=1)
    return above, tied


def _by_sorting(
    scores: Floats, rows: Integers, own: Floats, nth: Integers
) -> tuple[Integers, Integers]:
    """Sort the candidates of every query and look its right ones up."""
    above, tied = np.empty_like(rows), np.empty_like(rows)
    ends = [*np.flatnonzero(nth == 0), len(rows)]
    for begin, end in itertools.pairwise(ends):
        ascending = np.sort(scores[rows[begin]])
        not_above = np.searchsorted(ascending, own[begin:end], side="right")
        above[begin:end] = len(ascending) - not_above
        tied[begin:end] = not_above - np.searchsorted(ascending, own[begin:end], side="left")
    return above, tied


def both_ways(images: Floats, texts: Floats) -> tuple[ScoresOf, ScoresOf]:
    """Scores of images against texts, and of texts against images.

    Args:
        images: Unit vectors, [images, dimensions].
        texts: Unit vectors, [texts, dimensions].
    """
    (left, left_of), (right, right_of) = _distinct(images), _distinct(texts)
    if len(left_of) * len(right_of) <= _LARGEST_MATRIX:
        matrix = _spread(_spread(left @ right.T, right_of, axis=1), left_of, axis=0)
        turned = matrix.T
        return (lambda part: matrix[part]), (lambda part: np.ascontiguousarray(turned[part]))
    return (
        lambda part: _spread(left[left_of[part]] @ right.T, right_of, axis=1),
        lambda part: _spread(right[right_of[part]] @ left.T, left_of, axis=1),
    )


def _distinct(vectors: Floats) -> tuple[Floats, Integers]:
    """The distinct rows of a matrix, and which of them each row is."""
    rows = np.ascontiguousarray(vectors + 0.0)  # makes of a negative zero a zero
    as_bytes = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, inverse = np.unique(as_bytes, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return rows, np.arange(len(rows))
    return rows[first], inverse


def _spread(matrix: Floats, index: Integers, axis: int) -> Floats:
    """Repeat rows or columns, without a copy where there is nothing to repeat."""
    is_plain = len(index) == matrix.shape[axis] and bool((index == np.arange(len(index))).all())
    return matrix if is_plain else np.take(matrix, index, axis=axis)
