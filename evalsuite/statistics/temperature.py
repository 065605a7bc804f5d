"""The temperature that makes probabilities of classes likeliest: how far too sure a model is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtri, softmax

from evalsuite.statistics.interval import Interval
from evalsuite.statistics.units import Floats, codes_of

COLDEST, HOTTEST = 0.02, 50.0
_METHOD = "sandwich"
_NO_OPTIMUM = (
    f"the likelihood has no maximum between temperatures of {COLDEST:g} and {HOTTEST:g}, as where "
    "every answer is right, or the model no better than guessing"
)


@dataclass(frozen=True, slots=True)
class Temperature:
    """What logits have to be divided by; above 1 the model is too sure, below 1 not sure enough.

    Attributes:
        value: In [0.02, 50]; NaN when undefined, with ``reason``.
        interval: From the sandwich variance of the inverse temperature's logarithm.
        reason: Why there is none.
    """

    value: float
    interval: Interval
    reason: str | None = None


def fitted_temperature(
    log_probabilities: npt.ArrayLike,
    targets: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Temperature:
    """The temperature T at which softmax(log p / T) gives the targets the highest likelihood.

    Formula: argmin_T -Σ_i log softmax(log p_i / T)[target_i], which is convex in 1/T; logits do
    as well as log-probabilities, as they differ by a constant. The order of the classes stays, so
    accuracy does too. Range: [0.02, 50]; 1 for a calibrated model. The interval allows for a model
    that is wrong in other ways than its temperature, and for samples that come in clusters.
    Undefined: no samples, or an optimum outside of the range (NaN).
    Reference: Guo et al. 2017 (1706.04599), section 4.2; variance: White 1982, Econometrica 50.

    Args:
        log_probabilities: Of every class, (n, classes); -inf for a class that is not offered.
        targets: Index of the right class, (n,).
        clusters: Label of each sample's unit, (n,); every sample is one without.
        level: Nominal coverage.
    """
    scores, right = _checked(log_probabilities, targets)
    if not len(scores):
        return _undefined("no samples", level)
    ends = [_slopes(scores, right, 1 / temperature) for temperature in (HOTTEST, COLDEST)]
    if not ends[0].mean() < 0 < ends[1].mean():
        return _undefined(_NO_OPTIMUM, level)
    beta = math.exp(
        brentq(
            lambda at: float(_slopes(scores, right, math.exp(at)).mean()),
            -math.log(HOTTEST),
            -math.log(COLDEST),
            xtol=1e-10,
        )
    )
    slopes = _slopes(scores, right, beta)
    units = np.arange(len(slopes)) if clusters is None else codes_of(clusters)[0]
    totals = np.bincount(units, slopes)
    error = math.sqrt(float(totals @ totals)) / (beta * float(_bends(scores, beta).sum()))
    reach = math.exp(float(ndtri(0.5 + level / 2)) * error)
    return Temperature(1 / beta, Interval(1 / beta / reach, reach / beta, level, _METHOD))


def cross_fitted_probabilities(
    log_probabilities: npt.ArrayLike,
    targets: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    folds: int = 5,
) -> Floats:
    """Probabilities of each fold at the temperature that the other folds' samples are fitted to.

    Folds are dealt in the order of the scores, so that the rows' order is of no effect.
    NaN in a fold whose others have no temperature.

    Args:
        log_probabilities: Of every class, (n, classes).
        targets: Index of the right class, (n,).
        rng: Source of the deal.
        folds: Number of folds; fewer with fewer samples.

    Returns:
        Shape (n, classes).
    """
    scores, right = _checked(log_probabilities, targets)
    n = len(scores)
    of_target = scores[np.arange(n), right]
    order = np.lexsort((scores.max(axis=1, initial=-math.inf), of_target))
    dealt = np.empty(n, dtype=int)
    dealt[order] = rng.permutation(np.arange(n) % folds)
    found = np.full(scores.shape, math.nan)
    for fold in range(min(folds, n)):
        own = dealt == fold
        temperature = fitted_temperature(scores[~own], right[~own]).value
        found[own] = softmax(scores[own] / temperature, axis=1)
    return found


def _slopes(scores: Floats, right: npt.NDArray[np.int64], beta: float) -> Floats:
    """Of each sample's negative log-likelihood by the inverse temperature, (n,)."""
    shares = softmax(beta * scores, axis=1)
    own = scores[np.arange(len(scores)), right]
    return np.asarray((shares * _finite(scores)).sum(axis=1) - own)


def _bends(scores: Floats, beta: float) -> Floats:
    """Its second derivative: the variance of the scores under the softmax, (n,)."""
    shares, finite = softmax(beta * scores, axis=1), _finite(scores)
    mean = (shares * finite).sum(axis=1, keepdims=True)
    return np.asarray((shares * (finite - mean) ** 2).sum(axis=1))


def _finite(scores: Floats) -> Floats:
    """A class that is not offered has no share, whatever its score."""
    return np.where(np.isneginf(scores), 0.0, scores)


def _undefined(reason: str, level: float) -> Temperature:
    empty = Interval.undefined(reason, level=level, method=_METHOD)
    return Temperature(math.nan, empty, reason)


def _checked(
    log_probabilities: npt.ArrayLike, targets: npt.ArrayLike
) -> tuple[Floats, npt.NDArray[np.int64]]:
    scores, right = np.asarray(log_probabilities, dtype=float), np.asarray(targets, dtype=np.int64)
    if scores.ndim != 2 or right.shape != scores.shape[:1]:
        raise ValueError(
            f"scores must be (n, classes) and targets (n,), got {scores.shape} and {right.shape}"
        )
    if np.isnan(scores).any() or np.isneginf(scores[np.arange(len(right)), right]).any():
        raise ValueError("scores must not be NaN, nor the target's -inf")
    return scores, right
