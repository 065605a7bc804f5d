"""What one training run shows of its privacy loss, when a coin decided for each canary."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtr, bdtrc, expit

# Beyond this no number of canaries that fits a run can tell privacy losses apart.
LARGEST_EPSILON = 100.0


def one_run_p_value(
    n_correct: int, n_guesses: int, n_canaries: int, epsilon: float, delta: float = 0.0
) -> float:
    """Chance that (ε, δ)-private training lets at least so many guesses be right.

    Formula: β + 2mδα with β = P[B ≥ v] and α = max over i of P[v > B ≥ v − i]/i, i = 1 … v, where
    B ~ Binomial(r, e^ε/(1 + e^ε)), v guesses of r are right and m is the number of canaries.
    Range: [0, 1], at most 1; rises with ε. Undefined: a count that cannot be (ValueError).
    Reference: Steinke, Nasr & Jagielski 2023 (2305.08846), corollary 5.4 and appendix D.

    Args:
        n_correct: Guesses that were right, v.
        n_guesses: Canaries that were guessed about at all, r; the others are abstentions.
        n_canaries: Canaries for which a fair coin decided whether they were trained on, m.
        epsilon: The ε of the guarantee under test, in nats.
        delta: Its δ.
    """
    _check(n_correct, n_guesses, n_canaries, epsilon, delta)
    right = float(expit(epsilon))
    if n_correct == 0:
        return 1.0
    beta = float(bdtrc(n_correct - 1, n_guesses, right))
    if delta == 0:
        return beta
    # P[v > B >= v - i] for i = 1 ... v; nothing lies below B = 0.
    lower = np.append(bdtr(np.arange(n_correct - 2.0, -1, -1), n_guesses, right), 0.0)
    between = float(bdtr(n_correct - 1, n_guesses, right)) - lower
    alpha = float((between / np.arange(1, n_correct + 1)).max())
    return min(1.0, beta + 2 * n_canaries * delta * alpha)


def one_run_epsilon(
    n_correct: int,
    n_guesses: int,
    n_canaries: int,
    *,
    level: float = 0.95,
    delta: float = 0.0,
) -> float:
    """Privacy loss ε below which no (ε, δ)-private training lets so many guesses be right.

    Formula: the largest ε with a p-value of at most 1 − level. Range: [0, 100]; higher is worse;
    0 means nothing was shown, not that training was private. All right guesses of r give at most
    logit((1 − level)^(1/r)). Undefined: no guesses (NaN). Every canary must have been trained on or
    left out by a fair coin of its own, and the number of guesses be fixed without looking at the
    coins. Reference: Steinke, Nasr & Jagielski 2023 (2305.08846).

    Args:
        n_correct: Guesses that were right.
        n_guesses: Canaries that were guessed about.
        n_canaries: All canaries, also those without a guess.
        level: Confidence that ε is at least the bound.
        delta: The δ of the guarantee.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1 (got {level})")
    _check(n_correct, n_guesses, n_canaries, 0.0, delta)
    if n_guesses == 0:
        return math.nan

    def is_excluded(epsilon: float) -> bool:
        return one_run_p_value(n_correct, n_guesses, n_canaries, epsilon, delta) <= 1 - level

    if not is_excluded(0.0):
        return 0.0
    low, high = 0.0, LARGEST_EPSILON
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if is_excluded(middle) else (low, middle)
    return low


def _check(n_correct: int, n_guesses: int, n_canaries: int, epsilon: float, delta: float) -> None:
    if not 0 <= n_correct <= n_guesses <= n_canaries:
        raise ValueError(
            f"of {n_canaries} canaries, {n_guesses} guessed and {n_correct} of these right: "
            "each must be at most the one before"
        )
    if epsilon < 0 or not 0 <= delta < 1:
        raise ValueError(f"epsilon must be at least 0 and delta in [0, 1) (got {epsilon}, {delta})")
