r"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999, section 3).

For a history h and its shorter history h' (without its first token),

    p(w | h) = (c(hw) - D(c(hw))) / sum_v c(hv)  +  gamma(h) p(w | h')
    gamma(h) = (D1 N1(h .) + D2 N2(h .) + D3 N3+(h .)) / sum_v c(hv)

where c is the count in the text for the highest order and for n-grams that begin a line, and for
the others the number of different tokens seen before the n-gram; N_k(h .) is the number of tokens
with count k after h. Below the unigrams is the uniform distribution over the vocabulary. With n_k
the number of n-grams of count k and Y = n1 / (n1 + 2 n2), the discounts of an order are
D_k = k - (k + 1) Y n_{k+1} / n_k for k = 1, 2, 3.

An n-gram of order n is its index in a sorted array of keys (index of its first n - 1 tokens) x
vocabulary + last token, so that training is a few sorts and all continuations of a history lie
side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Discounts: TypeAlias = tuple[float, float, float]

BOUNDARY, UNKNOWN = 0, 1
# Of an order whose n-grams are too few to estimate any (a tiny text, or single characters).
FALLBACK: Discounts = (0.5, 1.0, 1.5)
_REMEMBERED_HISTORIES, _REMEMBERED_DISTRIBUTIONS = 200_000, 64


@dataclass(frozen=True)
class _Order:
    """All n-grams of one order from 2: their keys, discounted shares, and histories' weights.

    ``back_off`` has one weight for each history, 1 where nothing was seen after it.
    """

    keys: Integers
    shares: Floats
    back_off: Floats


class KneserNey:
    """A language model over token ids 0 .. ``n_vocabulary`` - 1.

    ``BOUNDARY`` stands for the start of a line in a history and for its end among what follows;
    ``UNKNOWN`` for every token outside the vocabulary.

    Attributes:
        order: Tokens of an n-gram, the predicted one included.
        n_vocabulary: Tokens that can follow a history.
        discounts: Those of each order, from unigrams up.
        n_grams: Number of different n-grams of all orders.
    """

    def __init__(
        self,
        lines: Sequence[Sequence[int]],
        n_vocabulary: int,
        order: int,
        discounts: Sequence[Discounts] | None = None,
    ) -> None:
        """Count and discount; ``discounts`` (one triple for each order) are estimated if None."""
        self.order = order
        self.n_vocabulary = n_vocabulary
        tokens, line_of = _stream(lines)
        levels = _count(tokens, line_of, n_vocabulary, order)
        self.discounts: list[Discounts] = []
        self._orders: list[_Order] = []
        for n, (keys, counts) in enumerate(levels, start=1):
            found = counts[counts > 0]
            used = estimate_discounts(found) if discounts is None else discounts[n - 1]
            self.discounts.append(used)
            if n == 1:
                n_histories, history = 1, np.zeros(len(counts), np.int64)
            else:
                n_histories, history = len(levels[n - 2][1]), keys // n_vocabulary
            shares, back_off = _smooth(counts, history, n_histories, used)
            self._orders.append(_Order(keys, shares, back_off))
        base = self._orders[0]
        self._unigrams: Floats = base.shares + base.back_off[0] / n_vocabulary
        self.n_grams = sum(len(counts) for _, counts in levels)
        self._histories = lru_cache(maxsize=_REMEMBERED_HISTORIES)(self._find_histories)
        self.distribution = lru_cache(maxsize=_REMEMBERED_DISTRIBUTIONS)(self._distribution)

    def probability(self, token: int, history: tuple[int, ...]) -> float:
        """P(token | history); ``history`` is the last order - 1 tokens, or all of the line's."""
        p = float(self._unigrams[token])
        for n, index in self._histories(history):
            level = self._orders[n - 1]
            at = self._index(n, index, token)
            share = float(level.shares[at]) if at is not None else 0.0
            p = share + float(level.back_off[index]) * p
        return p

    def _distribution(self, history: tuple[int, ...]) -> Floats:
        """P(. | history) of every token, shape [n_vocabulary]; sums to 1."""
        p = self._unigrams.copy()
        for n, index in self._histories(history):
            level = self._orders[n - 1]
            first, last = np.searchsorted(
                level.keys, (index * self.n_vocabulary, (index + 1) * self.n_vocabulary)
            )
            p *= level.back_off[index]
            p[level.keys[first:last] - index * self.n_vocabulary] += level.shares[first:last]
        return p

    def _find_histories(self, history: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """(order, index) of each history that was seen, from the shortest on."""
        found = []
        for n in range(2, min(self.order, len(history) + 1) + 1):
            part = history[len(history) - n + 1 :]
            index: int | None = part[0]
            for length, token in enumerate(part[1:], start=2):
                index = self._index(length, index, token)
                if index is None:
                    return tuple(found)  # no longer history can have been seen either
            assert index is not None
            found.append((n, index))
        return tuple(found)

    def _index(self, n: int, prefix: int, token: int) -> int | None:
        """The index of an n-gram, or None where it was never seen."""
        keys = self._orders[n - 1].keys
        key = prefix * self.n_vocabulary + token
        at = int(keys.searchsorted(key))
        return at if at < len(keys) and keys[at] == key else None


def _stream(lines: Sequence[Sequence[int]]) -> tuple[Integers, Integers]:
    """All lines one after another, a boundary at both ends of each; and the line of each token."""
    tokens = [np.array([BOUNDARY, *line, BOUNDARY], np.int64) for line in lines]
    line_of = np.repeat(np.arange(len(tokens)), [len(line) for line in tokens])
    return np.concatenate(tokens), line_of


def _count(
    tokens: Integers, line_of: Integers, n_vocabulary: int, order: int
) -> list[tuple[Integers, Integers]]:
    """For each order the sorted keys and the counts that smoothing uses."""
    grams, starts, raw = tokens, np.arange(len(tokens)), np.zeros(0, np.int64)
    levels: list[tuple[Integers, Integers]] = []
    is_first = np.r_[True, line_of[1:] != line_of[:-1]]
    raw = np.bincount(tokens[~is_first], minlength=n_vocabulary)
    keys, begins = np.arange(n_vocabulary), np.zeros(n_vocabulary, bool)
    for n in range(2, order + 1):
        inside = np.flatnonzero(line_of[: len(tokens) - n + 1] == line_of[n - 1 :])
        codes = grams[inside] * n_vocabulary + tokens[inside + n - 1]
        longer, where, inverse, counts = np.unique(
            codes, return_index=True, return_inverse=True, return_counts=True
        )
        starts = inside[where]
        before = np.bincount(grams[starts + 1], minlength=len(keys))
        levels.append((keys, np.where(begins, raw, before)))
        keys, raw, begins = longer, counts, is_first[starts]
        grams = np.full(len(tokens), -1)
        grams[inside] = inverse
    return [*levels, (keys, raw)]


def _smooth(
    counts: Integers, history: Integers, n_histories: int, discounts: Discounts
) -> tuple[Floats, Floats]:
    """The discounted share of each n-gram, and the weight of what is below each history."""
    taken = np.array([0.0, *discounts])[np.minimum(counts, 3)]
    taken = np.minimum(taken, counts)
    totals = np.bincount(history, weights=counts, minlength=n_histories)
    left = np.bincount(history, weights=taken, minlength=n_histories)
    seen = totals > 0
    back_off = np.divide(left, totals, out=np.ones(n_histories), where=seen)
    shares = np.divide(
        counts - taken, totals[history], out=np.zeros(len(counts)), where=seen[history]
    )
    return shares, back_off


def estimate_discounts(counts: Integers) -> Discounts:
    """Chen and Goodman's D1, D2, D3+ from the counts of one order.

    Where n1 to n4 are not all above zero, or give a D_k outside (0, k], the counts are no natural
    text's and fixed discounts are used: no discount may be zero, or a token that was never seen
    after a history would be impossible.
    """
    n1, n2, n3, n4 = (int((counts == k).sum()) for k in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    estimated = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    legal = all(0 < d <= k for k, d in enumerate(estimated, start=1))
    return estimated if legal else FALLBACK
