"""L2-regularised multinomial logistic regression on standardised vectors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite_representation.splits import Integers, stratified_folds

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]

MAX_ITERATIONS = 1000

# Probabilities that agree to so many decimals tie: the optimiser's last digits are no evidence.
DECIMALS = 9

# A dimension that varies less than this, relative to the size of the vectors' entries, is
# constant up to the rounding of float32 and must not be blown up to unit variance.
NO_VARIATION = 1e-6


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a classifier makes of some rows.

    Attributes:
        credit: 1 for the right class alone on top, 1/m when m classes tie there, else 0; (n,).
        predicted: The class on top, the first by name of several; (n,).
        probability: Of the right class; 0 where it was never learned; (n,).
    """

    credit: Floats
    predicted: Names
    probability: Floats


def standardised(train: Floats, *others: Floats) -> tuple[Floats, ...]:
    """Both with the mean and deviation of the training rows; constant dimensions become 0."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    size = float(np.sqrt(np.mean(train**2))) or 1.0
    scale = np.where(deviation > NO_VARIATION * size, deviation, np.inf)
    return tuple((matrix - mean) / scale for matrix in (train, *others))


@dataclass(frozen=True, eq=False)
class LogisticProbe:
    """A fitted classifier with the standardisation of its training rows."""

    train: Floats
    model: Any

    @classmethod
    def fit(cls, vectors: Floats, labels: Names, inverse_penalty: float) -> LogisticProbe:
        """Fit to rows (n, d) of at least two classes.

        Minimises  Σ_i −log p(y_i | x_i) + ‖W‖² / (2 C),  C the inverse penalty, intercepts free.
        """
        model = _regression()
        _fit(model, standardised(vectors)[0], labels, inverse_penalty)
        return cls(vectors, model)

    def judge(self, vectors: Floats, targets: Names) -> Verdicts:
        """Classify rows (m, d) whose right classes are known."""
        return judged(self._probabilities(vectors), self.model.classes_, targets)

    @property
    def is_converged(self) -> bool:
        """Whether the optimiser stopped by itself."""
        return int(np.max(self.model.n_iter_)) < MAX_ITERATIONS

    def _probabilities(self, vectors: Floats) -> Floats:
        return np.asarray(self.model.predict_proba(standardised(self.train, vectors)[1]))


def judged(probabilities: Floats, classes: Names, targets: Names) -> Verdicts:
    """Compare probabilities (n, classes) with the right classes, ties for their expected credit."""
    rounded = probabilities.round(DECIMALS)
    on_top = rounded == rounded.max(axis=1, keepdims=True)
    is_target = targets[:, None] == classes[None, :]
    return Verdicts(
        (on_top & is_target).sum(axis=1) / on_top.sum(axis=1),
        classes[np.argmax(on_top, axis=1)],
        (probabilities * is_target).sum(axis=1),
    )


def chosen_inverse_penalty(
    vectors: Floats, labels: Names, units: Integers, grid: Sequence[float], rng: np.random.Generator
) -> float:
    """The inverse penalty with the best accuracy on a fifth of the training part held out.

    Equal accuracies are told apart by the mean log-likelihood, and then the strongest penalty
    wins. Where no such fifth leaves two classes to learn from, the middle of the grid.
    """
    folds = stratified_folds(labels, units, 5, rng)
    learn, check = folds != 0, folds == 0
    if not check.any() or len(np.unique(labels[learn])) < 2:
        return sorted(grid)[len(grid) // 2]
    train, held_out = standardised(vectors[learn], vectors[check])
    model, results = _regression(), []
    for inverse_penalty in sorted(grid):
        _fit(model, train, labels[learn], inverse_penalty)
        found = judged(model.predict_proba(held_out), model.classes_, labels[check])
        surprise = -float(np.mean(np.log(np.maximum(found.probability, 1e-300))))
        score = (round(float(found.credit.mean()), DECIMALS), -round(surprise, DECIMALS))
        results.append((score, -inverse_penalty))
    return -max(results)[1]


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    # Warm, so that each step along the grid begins where the one before it ended.
    return LogisticRegression(solver="lbfgs", max_iter=MAX_ITERATIONS, warm_start=True)


def _fit(model: Any, vectors: Floats, labels: Names, inverse_penalty: float) -> None:
    from sklearn.exceptions import ConvergenceWarning

    model.C = inverse_penalty
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # reported with the records instead
        model.fit(vectors, labels)
