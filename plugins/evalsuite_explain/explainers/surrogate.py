"""Linear models fitted to what a model answers around one input: KernelSHAP and LIME."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge

from evalsuite import UsageError
from evalsuite_explain.explainers.game import Explaining, Explanation, Game, Scores
from evalsuite_explain.explainers.shapley import all_coalitions

Coalitions = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KernelShap:
    """Shapley values by weighted regression, under the constraint that they sum to the total.

    Exact where the budget holds all 2 ** n coalitions; else sizes and coalitions are drawn by the
    Shapley kernel, each with its complement.
    Reference: Lundberg and Lee 2017, theorem 2; Covert and Lee 2021 for paired draws.

    Args:
        n_samples: Evaluations, besides those of all features and of none.
    """

    n_samples: int = 256

    def __post_init__(self) -> None:
        """Refuse a budget of nothing."""
        if self.n_samples < 2:
            raise UsageError(f"n_samples must be 2 or more (got {self.n_samples}).")

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One score for each feature."""
        n = len(game.features)
        coalitions, weights = shapley_design(n, self.n_samples, rng)
        ends = np.array([np.zeros(n, dtype=bool), np.ones(n, dtype=bool)])
        values = yield from game.values(np.vstack([ends, coalitions]))
        total = float(values[1] - values[0])
        scores = constrained_regression(coalitions, values[2:] - values[0], weights, total)
        return Explanation(scores, total)


@dataclass(frozen=True)
class Lime:
    """The weights of a ridge regression on random masks, near ones counting more.

    Features are present with probability one half; a mask's weight is exp(-d^2 / width^2), d the
    cosine distance from the whole input. Not complete.
    Reference: Ribeiro et al. 2016, LIME, equations 1 and 2.

    Args:
        n_samples: Masks, besides the whole input.
        kernel_width: Smaller: only masks that leave most of the input count.
        ridge: Strength of the penalty on the weights.
    """

    n_samples: int = 256
    kernel_width: float = 0.25
    ridge: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings without meaning."""
        if self.n_samples < 2 or self.kernel_width <= 0 or self.ridge < 0:
            raise UsageError(
                "lime needs n_samples from 2, kernel_width above 0 and ridge from 0 (got "
                f"{self.n_samples}, {self.kernel_width}, {self.ridge})."
            )

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One score for each feature."""
        n = len(game.features)
        masks = rng.random((self.n_samples, n)) < 0.5
        ends = np.array([np.zeros(n, dtype=bool), np.ones(n, dtype=bool)])
        values = yield from game.values(np.vstack([ends, masks]))
        near = nearness(np.vstack([ends[1:], masks]), self.kernel_width)
        scores = ridge_weights(np.vstack([ends[1:], masks]), values[1:], near, self.ridge)
        return Explanation(scores, float(values[1] - values[0]))


def shapley_design(
    n: int, n_samples: int, rng: np.random.Generator
) -> tuple[Coalitions, npt.NDArray[np.float64]]:
    """Coalitions [m, n] without the empty and the full one, and their regression weights [m].

    All of them with the Shapley kernel (n - 1) / (C(n, s) s (n - s)) where there are no more than
    ``n_samples``; else pairs drawn with probability proportional to it, of equal weight.
    """
    if n < 2:
        return np.zeros((0, n), dtype=bool), np.zeros(0)
    sizes = np.arange(1, n)
    kernel = (n - 1) / (sizes * (n - sizes))  # of all coalitions of a size together
    if 2**n - 2 <= n_samples:
        coalitions = all_coalitions(n)[1:-1]
        counts = np.array([comb(n, int(s)) for s in sizes])
        return coalitions, (kernel / counts)[coalitions.sum(axis=1) - 1]
    drawn = rng.choice(sizes, size=n_samples // 2, p=kernel / kernel.sum())
    half = np.array([rng.permutation(n) < size for size in drawn])
    coalitions = np.vstack([half, ~half])
    return coalitions, np.ones(len(coalitions))


def constrained_regression(
    coalitions: Coalitions, gains: Scores, weights: npt.NDArray[np.float64], total: float
) -> Scores:
    """Least squares of gains [m] over f(none) on coalitions [m, n]; the scores [n] sum to total.

    The constraint is met exactly, by putting the last score in terms of the others.
    """
    n = coalitions.shape[1]
    if n == 1:
        return np.array([total])
    present = coalitions.astype(float)
    design = present[:, :-1] - present[:, -1:]
    rest = gains - present[:, -1] * total
    root = np.sqrt(weights)
    found, *_ = np.linalg.lstsq(design * root[:, None], rest * root, rcond=None)
    return np.append(found, total - found.sum())


def nearness(masks: Coalitions, kernel_width: float) -> npt.NDArray[np.float64]:
    """exp(-d^2 / width^2) of each mask's cosine distance from the one of all features [m]."""
    distances = 1 - np.sqrt(masks.mean(axis=1))
    return np.asarray(np.exp(-(distances**2) / kernel_width**2))


def ridge_weights(
    masks: Coalitions, values: Scores, weights: npt.NDArray[np.float64], ridge: float
) -> Scores:
    """Weights [n] of a ridge regression with intercept; with no penalty, of least squares."""
    model = Ridge(alpha=ridge, solver="svd" if ridge == 0 else "auto")
    model.fit(masks.astype(float), values, sample_weight=weights)
    return np.asarray(model.coef_, dtype=float)
