"""The expected outcome of a vote in which equally near voters draw lots for the last places."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]

# Scores that agree to this relative precision tie: they are sums of the same weights.
TOLERANCE = 1e-9


def expected_credit(
    fixed: npt.ArrayLike, tied: npt.ArrayLike, weight: float, places: int, target: int
) -> float:
    """The credit that a class can expect when ``places`` of the tied voters are drawn at random.

    Credit is 1 when the class alone has the highest score, 1/m when m classes share it, else 0.
    With J_c the number of drawn voters of class c, hypergeometric, and score S_c = fixed_c +
    J_c weight, this is the expectation of that credit over all equally likely draws, exact up to
    rounding. Range [0, 1]; the credits of all classes sum to 1.

    Method: the number of draws with J_c = j is a coefficient of Π_c Σ_j C(tied_c, j) z^j. Terms
    of classes that would beat the target are left out; those of classes that would equal it are
    marked by u, and ∫₀¹ u^m du = 1/(m + 1) shares the credit.

    Args:
        fixed: Score of each class from the voters that are in anyway.
        tied: Number of each class's voters among those that draw lots.
        weight: What each of them adds to its class's score.
        places: How many of them are drawn.
        target: The class in question.
    """
    classes = list(zip(np.asarray(fixed, float).tolist(), np.asarray(tied).tolist(), strict=True))
    if places == sum(voters for _, voters in classes):
        return _decided([base + voters * weight for base, voters in classes], target)
    own = classes.pop(target)
    return _drawn(own, tuple(sorted(c for c in classes if c != (0.0, 0))), weight, places)


@lru_cache(maxsize=100_000)
def _drawn(
    own: tuple[float, int], others: tuple[tuple[float, int], ...], weight: float, places: int
) -> float:
    """The expected credit of a class with this score and so many voters, against the others."""
    nodes, shares = _quadrature(places + sum(base > 0 for base, _ in others))
    n_tied = own[1] + sum(voters for _, voters in others)
    scale = math.log(places / n_tied)  # a factor for each voter keeps large counts within range
    expected = 0.0
    for drawn in range(min(places, own[1]) + 1):
        ways = np.zeros((len(nodes), places - drawn + 1))
        ways[:, 0] = 1.0
        for (base, voters), times in Counter(others).items():
            limits = [base + j * weight for j in range(min(voters, places - drawn) + 1)]
            factors = _factors(limits, own[0] + drawn * weight, nodes)
            terms = factors * _choices(voters, factors.shape[1], scale)
            ways = _product(ways, _power(_padded(terms, ways), times))
        expected += _choices(own[1], drawn + 1, scale)[-1] * float(shares @ ways[:, -1])
    # Rounded, so that a vote that cannot be lost is worth 1 and not a bit less.
    return round(float(expected / _choices(n_tied, places + 1, scale)[-1]), 12)


def _decided(scores: Sequence[float], target: int) -> float:
    """The credit where nothing is left to chance."""
    best = max(scores)
    winners = [c for c, score in enumerate(scores) if math.isclose(score, best, rel_tol=TOLERANCE)]
    return 1 / len(winners) if target in winners else 0.0


def _factors(reached: Sequence[float], score: float, nodes: Floats) -> Floats:
    """1 where a class stays below the score, u where it equals it, else 0; (nodes, reached)."""
    factors = np.zeros((len(nodes), len(reached)))
    for j, other in enumerate(reached):
        if math.isclose(other, score, rel_tol=TOLERANCE):
            factors[:, j] = nodes
        elif other < score:
            factors[:, j] = 1.0
    return factors


def _choices(voters: int, length: int, scale: float) -> Floats:
    """C(voters, j) exp(j scale) for j below ``length``, (length,)."""
    j = np.arange(length)
    chosen = gammaln(voters + 1) - gammaln(j + 1) - gammaln(voters - j + 1)
    return np.asarray(np.exp(chosen + j * scale))


def _padded(terms: Floats, like: Floats) -> Floats:
    """The coefficients with zeros up to the length of others."""
    return np.pad(terms, ((0, 0), (0, like.shape[1] - terms.shape[1])))


def _power(polynomial: Floats, times: int) -> Floats:
    """A polynomial, row by row, to a power, by repeated squaring."""
    result, square = np.zeros_like(polynomial), polynomial
    result[:, 0] = 1.0
    while times:
        if times % 2:
            result = _product(result, square)
        square, times = _product(square, square), times // 2
    return result


def _product(one: Floats, other: Floats) -> Floats:
    """Product of polynomials, row by row, cut to their length."""
    length = one.shape[1]
    result = np.zeros_like(one)
    for j in range(length):
        if other[:, j].any():
            result[:, j:] += other[:, j : j + 1] * one[:, : length - j]
    return result


@cache
def _quadrature(degree: int) -> tuple[Floats, Floats]:
    """Nodes and weights on [0, 1] that integrate polynomials up to a degree exactly."""
    nodes, shares = np.polynomial.legendre.leggauss(degree // 2 + 1)
    return (nodes + 1) / 2, shares / 2
