"""Shapley values: exact where there are few features, else from sampled orders."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt

from evalsuite import Failure, RequestFailed, UsageError
from evalsuite_explain.explainers.game import Explaining, Explanation, Game, Scores

MAX_EXACT = 12


@dataclass(frozen=True)
class ExactShapley:
    """The mean gain of a feature over all orders in which features can arrive, exactly.

    Complete: scores sum to f(all) - f(none). Needs 2 ** n evaluations, so n is 12 at most.
    Reference: Shapley 1953; Strumbelj and Kononenko 2010.
    """

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One score for each feature."""
        del rng
        n = len(game.features)
        if n > MAX_EXACT:
            raise RequestFailed(
                Failure("too many features", f"{n} need 2 ** {n} answers; use sampled_shapley")
            )
        values = yield from game.values(all_coalitions(n))
        return Explanation(shapley_of(values), float(values[-1] - values[0]))


@dataclass(frozen=True)
class SampledShapley:
    """The mean gain of a feature over random orders, each also taken backwards.

    Complete for any number of orders; unbiased; a reversed order cancels much of the error of its
    twin. Needs at most (n - 1) x n_permutations + 2 evaluations.
    Reference: Castro et al. 2009; Mitchell et al. 2022, Sampling permutations for Shapley values.

    Args:
        n_permutations: Orders, an even number: each second one is the one before it reversed.
    """

    n_permutations: int = 32

    def __post_init__(self) -> None:
        """Refuse orders without a twin."""
        if self.n_permutations < 2 or self.n_permutations % 2:
            raise UsageError(
                f"n_permutations must be an even number from 2 (got {self.n_permutations})."
            )

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One score for each feature."""
        n = len(game.features)
        half = [rng.permutation(n) for _ in range(self.n_permutations // 2)]
        orders = np.array([turned for order in half for turned in (order, order[::-1])])
        values = yield from game.values(arrivals(orders).reshape(-1, n))
        steps = values.reshape(len(orders), n + 1)
        scores = np.zeros(n)
        for order, gains in zip(orders, np.diff(steps, axis=1), strict=True):
            scores[order] += gains / len(orders)
        return Explanation(scores, float(steps[0, -1] - steps[0, 0]))


def all_coalitions(n: int) -> npt.NDArray[np.bool_]:
    """Every subset of n features [2 ** n, n]; row i holds feature j where bit j of i is set."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def shapley_of(values: Scores) -> Scores:
    """Shapley values [n] of a game with values [2 ** n] in the order of ``all_coalitions``."""
    n = int(np.log2(len(values)))
    sizes = all_coalitions(n).sum(axis=1)
    weights = np.array([factorial(s) * factorial(n - s - 1) for s in range(n)]) / factorial(n)
    scores = np.zeros(n)
    for feature in range(n):
        without = np.flatnonzero((np.arange(2**n) >> feature & 1) == 0)
        gains = values[without | (1 << feature)] - values[without]
        scores[feature] = weights[sizes[without]] @ gains
    return scores


def arrivals(orders: npt.NDArray[np.int_]) -> npt.NDArray[np.bool_]:
    """Coalitions as features arrive one by one [orders, n + 1, n], from nobody to all."""
    ranks = np.argsort(orders, axis=1)
    return ranks[:, None, :] < np.arange(orders.shape[1] + 1)[None, :, None]
