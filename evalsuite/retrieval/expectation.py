"""Recall, rank, reciprocal rank and average precision, expected when ties are broken at random.

Closed forms, so that a model that scores everything the same is exactly at chance and one that
puts every right candidate first is exactly at 1. Reference: McSherry and Najork 2008, ECIR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.retrieval.ranking import Standing

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class First:
    """Where the best right candidate of each query stands, one entry for each query.

    Attributes:
        above: Candidates that score higher; all of them are wrong.
        right: Right candidates at the best right score.
        wrong: Wrong candidates at that score.
    """

    above: Integers
    right: Integers
    wrong: Integers

    @classmethod
    def of(cls, found: Standing) -> First:
        """The first entry of every query."""
        _, first = np.unique(found.query, return_index=True)
        right = found.right_tied[first]
        return cls(found.above[first], right, found.tied[first] - right)


def recall_at(k: int, first: First) -> Floats:
    """P(a right candidate is among the first k), [queries]; range [0, 1], higher is better.

    With A wrong ones above and r right among n tied: 1 - C(n - r, j) / C(n, j), j = k - A places
    being left for the tied ones.
    """
    missed = np.where(first.above < k, 1.0, 0.0)
    for place in range(k):  # the wrong one that takes this place of the tied
        is_left = place < k - first.above
        wrong_left = np.maximum(first.wrong - place, 0)
        everyone_left = np.maximum(first.wrong + first.right - place, 1)
        missed = np.where(is_left, missed * wrong_left / everyone_left, missed)
    return np.where(first.above < k, 1.0 - missed, 0.0)


def rank(first: First) -> Floats:
    """Expected rank of the best right candidate, [queries]; 1 is best.

    1 + A + w / (r + 1): each of the w wrong ones beside r right ones comes first with
    probability 1 / (r + 1).
    """
    return 1 + first.above + first.wrong / (first.right + 1)


def reciprocal_rank(first: First) -> Floats:
    """Expected 1 / rank of the best right candidate, [queries]; range (0, 1], higher is better."""
    kinds, kind_of = np.unique(
        np.stack([first.above, first.right, first.wrong], axis=1), axis=0, return_inverse=True
    )
    return np.array([_reciprocal(*map(int, kind)) for kind in kinds])[kind_of.ravel()]


def _reciprocal(above: int, right: int, wrong: int) -> float:
    """The sum over places i of P(i wrong ones, then a right one) / (above + i + 1)."""
    before = np.arange(wrong + 1)
    left = right + wrong - before
    still_wrong = np.cumprod(np.r_[1.0, (wrong - before[:-1]) / left[:-1]])
    return float(np.sum(still_wrong * (right / left) / (above + before + 1)))


def average_precision(found: Standing, at: int | None = None) -> Floats:
    """Expected average precision over the right candidates, [queries]; range [0, 1].

    Of all places: the mean, over the R right ones, of the share of right ones down to each.
    Of the first ``at`` places: those shares at the right ones among them, summed in the order of
    rank, over min(R, at), so that a perfect ranking has exactly 1 whatever R is.

    A right one that ties with n candidates, r of them right, N above and P of those right, is
    expected to add (1/n) Σᵢ (P + 1 + (i - 1)c) / (N + i), i = 1..m, c = (r - 1)/(n - 1), where m
    of the n tied places are counted; which is (cm + (P + 1 - c(N + 1))(H(N + m) - H(N))) / n with
    harmonic numbers H.
    """
    above, tied = found.above, found.tied
    counted = tied if at is None else np.clip(at - above, 0, tied)
    # With one candidate there is no second place; 1 keeps the value of a perfect ranking exact.
    slope = np.where(tied > 1, (found.right_tied - 1) / np.maximum(tied - 1, 1), 1.0)
    largest = int((above + tied).max())
    harmonic = np.r_[0.0, np.cumsum(1 / np.arange(1, largest + 1))]
    rest = (found.right_above + 1 - slope * (above + 1)) * (
        harmonic[above + counted] - harmonic[above]
    )
    precision = slope * (counted / tied) + rest / tied
    n_right = np.bincount(found.query)
    best = n_right if at is None else np.minimum(n_right, at)
    return np.asarray(np.bincount(found.query, precision) / best)
