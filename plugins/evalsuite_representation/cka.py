"""How alike two sets of vectors of the same inputs are, whatever their axes and their scale.

Functions of two arrays, rows paired, dimensions free to differ: the two towers of one model, or
the vectors that two models give to the same samples (``compare_representations``). Random numbers
in a few dimensions already look alike by the biased CKA; the debiased one expects about 0 there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.statistics import BootstrapDistribution, NullDistribution, bootstrap_distribution
from evalsuite_representation.geometry import Floats, neighbour_shares, unit_rows

# Below this share of the squared norm of all products, what is left is rounding.
NO_VARIATION = 1e-10


@dataclass(frozen=True, eq=False)
class RepresentationComparison:
    """What two sets of vectors have in common.

    Attributes:
        cka: Biased linear CKA.
        cka_null: The same for pairs put together at random.
        debiased: Debiased linear CKA of the data and of resamples.
        debiased_null: The same as ``debiased`` for pairs put together at random.
        overlap: Share of common neighbours of each row, (n,).
        chance: The overlap of neighbours drawn at random, k / (n − 1).
    """

    cka: float
    cka_null: NullDistribution
    debiased: BootstrapDistribution
    debiased_null: NullDistribution
    overlap: Floats
    chance: float


def linear_cka(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> float:
    """Linear centred kernel alignment of rows (n, d) and (n, e).

    Formula: ‖Yᵀ X‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖), Frobenius norms of centred columns. Range [0, 1]; 1 when
    one is the other rotated, mirrored, shifted or scaled. Biased upwards where there are not many
    more rows than dimensions. Undefined (NaN): a set of equal rows.
    Reference: Kornblith et al. 2019, ICML.
    """
    k, l = _centred_gram(x), _centred_gram(y)  # noqa: E741  (the kernels' usual names)
    norm = math.sqrt(float(np.sum(k * k)) * float(np.sum(l * l)))
    return float(np.sum(k * l)) / norm if norm > 0 else math.nan


def debiased_cka(
    x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], counts: Floats | None = None
) -> Floats:
    """Debiased linear CKA, (draws,), of rows (n, d) and (n, e).

    Formula: HSIC₁(K, L) / √(HSIC₁(K, K) HSIC₁(L, L)) with K = X Xᵀ, L = Y Yᵀ. Range about
    [−1, 1]; 1 as for ``linear_cka``, about 0 for independent rows. Undefined (NaN): fewer than
    four different rows, or rows that do not vary by more than chance. ``counts`` as for ``hsic``.
    Reference: Nguyen, Raghu and Kornblith 2021, ICLR; Song et al. 2012, JMLR 13.
    """
    return cka_of(gram(x), gram(y), _ones(x) if counts is None else counts)


def cka_of(k: Floats, l: Floats, counts: Floats) -> Floats:  # noqa: E741
    """The debiased CKA, (draws,), from ``gram`` of both sides."""
    both, own, other = hsic(k, l, counts), hsic(k, k, counts), hsic(l, l, counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((own > 0) & (other > 0), both / np.sqrt(own * other), np.nan)


def hsic(k: Floats, l: Floats, counts: Floats) -> Floats:  # noqa: E741
    """Unbiased Hilbert-Schmidt independence criterion HSIC₁, (draws,).

    The mean over different i, j of K_ij L_ij, plus that over different i, j, q, r of K_ij L_qr,
    less twice that over different i, j, q of K_ij L_iq. A row that was drawn c times weighs c,
    and is still one row: terms that combine copies are left out, as a term that combines a row
    with itself is. (Taken for different rows, copies would make K_ii an entry K_ij, which is the
    very bias that HSIC₁ removes.) Reference: Song et al. 2012, JMLR 13, theorem 2.

    Args:
        k: Symmetric, with zeros on the diagonal, (n, n).
        l: Likewise.
        counts: How often each row was drawn, (draws, n).
    """
    w, squared = counts, counts**2
    kl = k * l
    to_k, to_l = w @ k, w @ l
    two = np.sum((w @ kl) * w, axis=1)
    shared = np.sum((squared @ kl) * w, axis=1)
    twice = np.sum((squared @ kl) * squared, axis=1)
    three = np.sum(w * to_k * to_l, axis=1) - shared
    pairs = np.sum(w * to_k, axis=1) * np.sum(w * to_l, axis=1)
    four = pairs - 4 * np.sum(squared * to_k * to_l, axis=1) + 2 * twice
    n_two, n_three, n_four = _tuple_weights(w)
    return np.asarray(two / n_two + four / n_four - 2 * three / n_three)


def _tuple_weights(w: Floats) -> tuple[Floats, Floats, Floats]:
    """Total weight of the pairs, triples and quadruples of different rows, (draws,) each."""
    s1, s2, s3, s4 = (np.sum(w**power, axis=1) for power in (1, 2, 3, 4))
    two = s1**2 - s2
    three = s1**3 - 3 * s1 * s2 + 2 * s3
    four = s1**4 - 6 * s1**2 * s2 + 3 * s2**2 + 8 * s1 * s3 - 6 * s4
    return tuple(np.where(total > 0, total, np.nan) for total in (two, three, four))  # type: ignore[return-value]


def gram(x: npt.NDArray[np.floating]) -> Floats:
    """X Xᵀ of centred rows at mean square 1, diagonal set to zero, (n, n); zeros if rows agree."""
    products = _centred_gram(x)
    np.fill_diagonal(products, 0.0)
    return products


def mutual_neighbours(
    x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], k: int = 10
) -> Floats:
    """Share of each row's k nearest by cosine that are the same in both sets, (n,).

    Range [0, 1]; k / (n − 1) for neighbours drawn at random. Equally near ones draw lots, each
    set for itself, and count by expectation, so that equal vectors get exactly chance. Needs more
    than k other rows. Reference: Huh et al. 2024, ICML (mutual k-nearest-neighbour alignment).
    """
    if len(x) <= k + 1:
        return np.full(len(x), math.nan)
    return np.asarray(np.sum(_near(x, k) * _near(y, k), axis=1) / k)


def compare_representations(
    x: npt.NDArray[np.floating],
    y: npt.NDArray[np.floating],
    *,
    rng: np.random.Generator,
    k: int = 10,
    resamples: int = 500,
    permutations: int = 200,
) -> RepresentationComparison:
    """Everything that this module knows of two sets of vectors of the same inputs.

    To compare two models, pass the vectors that each gave to the same samples in the same order;
    time grows with the square of the number of rows, so draw about a thousand of more.

    Args:
        x: One row for each input, (n, d), n at least 4.
        y: One row for each of the same inputs, (n, e).
        rng: Source of randomness.
        k: Neighbours that count as near.
        resamples: Number of bootstrap resamples.
        permutations: Number of random pairings for the null.
    """
    left, right = gram(x), gram(y)
    debiased = bootstrap_distribution(
        np.arange(len(x)),
        lambda _, counts: cka_of(left, right, counts),
        rng=rng,
        resamples=resamples,
    )
    orders = [rng.permutation(len(x)) for _ in range(permutations)]
    biased_null, debiased_null = _nulls(x, y, orders)
    overlap = mutual_neighbours(x, y, k)
    return RepresentationComparison(
        linear_cka(x, y), biased_null, debiased, debiased_null, overlap, k / (len(x) - 1)
    )


def _nulls(
    x: npt.NDArray[np.floating],
    y: npt.NDArray[np.floating],
    orders: Sequence[npt.NDArray[np.int64]],
) -> tuple[NullDistribution, NullDistribution]:
    """Biased and debiased CKA of pairs put together in other orders."""
    k, l = _centred_gram(x), _centred_gram(y)  # noqa: E741
    biased_norm = math.sqrt(float(np.sum(k * k)) * float(np.sum(l * l)))
    diagonals = np.diag(k).copy(), np.diag(l).copy()
    biased, crossed = np.empty(len(orders)), np.empty(len(orders))
    hollow_k, hollow_l = gram(x), gram(y)
    row_k, row_l = hollow_k.sum(axis=1), hollow_l.sum(axis=1)
    for i, order in enumerate(orders):
        trace = float(np.sum(hollow_k * hollow_l[np.ix_(order, order)]))
        biased[i] = trace + float(diagonals[0] @ diagonals[1][order])
        crossed[i] = _unweighted_hsic(trace, row_k, row_l[order])
    ones = np.ones((1, len(x)))
    own, other = hsic(hollow_k, hollow_k, ones)[0], hsic(hollow_l, hollow_l, ones)[0]
    norm = math.sqrt(own * other) if own > 0 and other > 0 else math.nan
    reason = "the vectors do not vary"
    return (
        NullDistribution(biased / (biased_norm or math.nan), reason=reason),
        NullDistribution(crossed / norm, reason=reason),
    )


def _unweighted_hsic(trace: float, row_k: Floats, row_l: Floats) -> float:
    """HSIC₁ from Σ_ij K_ij L_ij and the row sums of both, each row counted once."""
    n = len(row_k)
    four = row_k.sum() * row_l.sum() / ((n - 1) * (n - 2))
    return float(trace + four - 2 * row_k @ row_l / (n - 2)) / (n * (n - 3))


def _centred_gram(x: npt.NDArray[np.floating]) -> Floats:
    """X Xᵀ of centred rows at mean square 1, (n, n); zeros where they agree up to rounding."""
    wide = np.asarray(x, dtype=float)
    centred = wide - wide.mean(axis=0)
    spread, size = float(np.sum(centred**2)), float(np.sum(wide**2))
    if spread <= NO_VARIATION * size:
        return np.zeros((len(wide), len(wide)))
    centred = centred * math.sqrt(len(wide) / spread)
    return np.asarray(centred @ centred.T)


def _near(x: npt.NDArray[np.floating], k: int) -> Floats:
    """The chance of each other row to be among the k nearest, (n, n)."""
    unit = unit_rows(x)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return neighbour_shares(cosines, k)


def _ones(x: npt.NDArray[np.floating]) -> Floats:
    return np.ones((1, len(x)))
