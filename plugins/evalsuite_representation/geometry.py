"""The geometry of two sets of paired vectors: gap, alignment, uniformity, cone, rank, hubs.

Functions of arrays. ``counts``, (draws, n), says how often each row was drawn; without it every
row counts once. A resample drawn with replacement holds copies of rows, and a copy is no other
row: an average over pairs i != j that took two copies for a pair would be pulled towards distance
0 by a share 1/n of the pairs (towards 1 in similarity). Hence resamples are given as counts, the
pair (i, j) of different rows weighs c_i c_j, and pairs of a row with its own copies are left out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import hyp0f1

Floats = npt.NDArray[np.float64]

# Cosines that agree to so many decimals tie: float32 vectors tell no more.
DECIMALS = 6


def unit_rows(matrix: npt.NDArray[Any]) -> Floats:
    """Rows at length one, in float64; a row of zeros stays one."""
    wide = np.asarray(matrix, dtype=float)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def modality_gap(x: Floats, y: Floats, counts: Floats | None = None) -> Floats:
    """‖mean(x) − mean(y)‖, (draws,), of paired rows (n, d).

    Range [0, 2] for unit vectors; 0 when both media surround the same centre. It is biased
    upwards: without any gap its square expects Σ‖x_i − y_i‖² / n². Reference: Liang et al. 2022,
    NeurIPS.
    """
    weights = _ones(x) if counts is None else counts
    means = weights @ (x - y) / weights.sum(axis=1, keepdims=True)
    return np.asarray(np.linalg.norm(means, axis=1))


def resampling_excess(x: Floats, y: Floats) -> float:
    """By how much the square of the gap of a resample exceeds that of the data, on average.

    Σ‖d_i − mean(d)‖² / n² with d = x − y: the variance of a mean, which the square turns into a
    bias. An interval must subtract it, or it lies above the value it belongs to.
    """
    differences = x - y
    return float(np.sum((differences - differences.mean(axis=0)) ** 2)) / len(x) ** 2


def swapped_gaps(x: Floats, y: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Modality gaps, (draws,), when the two vectors of each pair change places at random."""
    signs = rng.choice([-1.0, 1.0], size=(draws, len(x)))
    return np.asarray(np.linalg.norm(signs @ (x - y), axis=1) / len(x))


def squared_distances(x: Floats, y: Floats) -> Floats:
    """‖x_i − y_i‖² of each pair, (n,); their mean is the alignment of Wang and Isola (2020).

    Range [0, 4] for unit vectors; lower is better.
    """
    return np.asarray(np.sum((x - y) ** 2, axis=1))


def squared_distances_to_others(x: Floats, y: Floats) -> Floats:
    """Mean over j != i of ‖x_i − y_j‖², (n,): the alignment of pairs put together at random."""
    n = len(x)
    total = n * np.sum(x**2, axis=1) + np.sum(y**2) - 2 * x @ y.sum(axis=0)
    return np.asarray((total - squared_distances(x, y)) / (n - 1))


def uniformity(x: Floats, counts: Floats | None = None, t: float = 2.0) -> Floats:
    """Log of the mean over i != j of exp(−t ‖x_i − x_j‖²), (draws,), of unit rows (n, d).

    Range [−4t, 0]; 0 when all vectors are equal, lower is more uniform; ``even_uniformity`` is
    what vectors spread evenly over the sphere have. Undefined (NaN): fewer than two different
    rows. Reference: Wang and Isola 2020, ICML.
    """
    return uniformity_of(proximity(x, t), counts)


def proximity(x: Floats, t: float = 2.0) -> Floats:
    """exp(−t ‖x_i − x_j‖²) of unit rows, (n, n), with zeros on the diagonal."""
    kernel = np.exp(-t * np.maximum(0.0, 2 - 2 * x @ x.T))
    np.fill_diagonal(kernel, 0.0)
    return np.asarray(kernel)


def uniformity_of(kernel: Floats, counts: Floats | None = None) -> Floats:
    """The uniformity, (draws,), from ``proximity``."""
    weights = np.ones((1, len(kernel))) if counts is None else counts
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.log(np.sum((weights @ kernel) * weights, axis=1) / _pair_weight(weights))
        )


def even_uniformity(dimensions: int, t: float = 2.0) -> float:
    """The uniformity of vectors spread evenly over the sphere in so many dimensions.

    log E exp(−t (2 − 2 cos)) = −2t + log ₀F₁(; d/2; t²), the moment generating function of the
    cosine of two random directions.
    """
    return -2 * t + math.log(float(hyp0f1(dimensions / 2, t**2)))


def mean_cosine(x: Floats, counts: Floats | None = None) -> Floats:
    """Mean cosine of different rows, (draws,), of unit rows (n, d): the cone effect.

    Range [−1/(n−1), 1]; 0 for vectors spread evenly over the sphere, 1 for equal ones. Undefined
    (NaN): fewer than two different rows. Reference: Ethayarajh 2019, EMNLP; Liang et al. 2022.
    """
    weights = _ones(x) if counts is None else counts
    own = weights**2 @ np.sum(x**2, axis=1)
    return np.asarray((np.sum((weights @ x) ** 2, axis=1) - own) / _pair_weight(weights))


def mean_cosine_to_others(x: Floats) -> Floats:
    """Mean over j != i of cos(x_i, x_j), (n,), of unit rows."""
    return np.asarray((x @ x.sum(axis=0) - np.sum(x**2, axis=1)) / (len(x) - 1))


def effective_rank(x: Floats) -> float:
    """Exp of the entropy of the singular values, taken as shares of their sum.

    Range [1, min(n, d)] of rows (n, d), not centred; higher means that more directions are used.
    Undefined (NaN): all entries are 0. There is no bootstrap of it: a resample has fewer distinct
    rows (63 %), and so a lower rank. Reference: Roy and Vetterli 2007, EUSIPCO; as a measure of
    representations, Garrido et al. 2023, ICML (RankMe).
    """
    values = np.linalg.svd(x, compute_uv=False)
    shares = values[values > values.max(initial=0.0) * 1e-12]
    if not len(shares):
        return math.nan
    shares = shares / shares.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def neighbour_shares(similarities: Floats, k: int) -> Floats:
    """The chance of each column to be among the k highest of its row, equal ones drawing lots.

    Args:
        similarities: Shape [queries, candidates]; −inf for one that is no candidate.
        k: How many; at least one, at most the candidates of a row.

    Returns:
        Same shape, in [0, 1]; each row sums to k.
    """
    rounded = similarities.round(DECIMALS)
    reach = -np.partition(-rounded, k - 1, axis=1)[:, k - 1 : k]
    inside, level = rounded > reach, rounded == reach
    places = k - inside.sum(axis=1, keepdims=True)
    return np.asarray(inside + level * (places / level.sum(axis=1, keepdims=True)))


def k_occurrences(queries: Floats, candidates: Floats, k: int) -> Floats:
    """How many queries have each candidate among their k nearest by cosine, (candidates,)."""
    return np.asarray(neighbour_shares(queries @ candidates.T, k).sum(axis=0))


def skewness(values: Floats, counts: Floats | None = None) -> Floats:
    """Third standardised moment, (draws,); of k-occurrences it is the hubness.

    Above 0, a few candidates are neighbours of very many queries. A bootstrap draws candidates
    with their occurrences as they are: neighbours found anew among copies would be the copies.
    Undefined (NaN): all values are equal. Reference: Radovanović et al. 2010, JMLR 11.
    """
    weights = np.ones((1, len(values))) if counts is None else counts
    shares = weights / weights.sum(axis=1, keepdims=True)
    centred = values[None, :] - (shares @ values)[:, None]
    variance = np.sum(shares * centred**2, axis=1)
    varies = variance > 1e-12 * max(1.0, float(np.mean(values)) ** 2)
    third = np.sum(shares * centred**3, axis=1)
    return np.asarray(np.where(varies, third / np.where(varies, variance, 1.0) ** 1.5, np.nan))


def random_skewness(n_queries: int, n_candidates: int, k: int) -> float:
    """The skewness of k-occurrences when neighbours are drawn at random: that of a binomial.

    (1 − 2p) / √(n p (1 − p)) with p = k / candidates; NaN where everything is a neighbour.
    """
    p = k / n_candidates
    return (1 - 2 * p) / math.sqrt(n_queries * p * (1 - p)) if p < 1 else math.nan


def _ones(x: Floats) -> Floats:
    return np.ones((1, len(x)))


def _pair_weight(weights: Floats) -> Floats:
    """Σ_{i≠j} c_i c_j, (draws,); NaN where a resample holds one distinct row."""
    total = weights.sum(axis=1) ** 2 - np.sum(weights**2, axis=1)
    return np.asarray(np.where(total > 0, total, np.nan))
