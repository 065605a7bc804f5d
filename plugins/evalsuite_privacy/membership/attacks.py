"""Attacks on the likelihood of a text: one number for each, always higher for members.

Published code disagrees about the sign (mimir: lower is member); here a higher score speaks for
membership everywhere. All log-probabilities are in nats. Whatever has no value is NaN.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import numpy.typing as npt

# A token that the model was this sure about, whichever it was, has no standard score.
SMALLEST_DEVIATION = 1e-6


def loss(logprobs: npt.ArrayLike) -> float:
    """Mean log-probability per token: minus the loss. Undefined: no tokens.

    Reference: Yeom et al. 2018 (1709.01604).
    """
    values = np.asarray(logprobs, dtype=float)
    return float(values.mean()) if values.size else math.nan


def zlib_ratio(log_likelihood: float, text: str) -> float:
    """Mean log-probability over the bytes that zlib packs the text into, per byte.

    Reference: Carlini et al. 2021 (2012.07805), section 5.1.
    """
    return log_likelihood / len(zlib.compress(text.encode()))


def lowercase_ratio(of_lowercase: float, log_likelihood: float) -> float:
    """Log-likelihood of the text in lower case over that of the text; above 1 where case matters.

    Undefined: a text of certain tokens only (0/0). Reference: Carlini et al. 2021 (2012.07805).
    """
    return of_lowercase / log_likelihood if log_likelihood else math.nan


def reference_difference(log_likelihood: float, of_reference: float) -> float:
    """Log-likelihood minus that under a model that did not see the text.

    Both must be normalised alike: by the tokens of the model at hand, whatever the reference's
    tokenizer makes of the text. Reference: Carlini et al. 2021 (2012.07805).
    """
    return log_likelihood - of_reference


def neighbourhood_difference(log_likelihood: float, of_neighbours: npt.ArrayLike) -> float:
    """Log-likelihood minus the mean of that of slightly changed texts. Undefined: no neighbours.

    Reference: Mattern et al. 2023 (2305.18462).
    """
    values = np.asarray(of_neighbours, dtype=float)
    return log_likelihood - float(values.mean()) if values.size else math.nan


def recall_ratio(after_prefix: float, log_likelihood: float) -> float:
    """Log-likelihood after a prefix of non-members over that without it.

    Undefined: a text of certain tokens only (0/0). Reference: Xie et al. 2024 (2406.15968).
    """
    return after_prefix / log_likelihood if log_likelihood else math.nan


def min_k(logprobs: npt.ArrayLike, k: float) -> float:
    """Mean of the floor(k n) lowest log-probabilities of n tokens.

    Undefined: floor(k n) is 0, a text too short for k. Reference: Shi et al. 2024 (2310.16789).

    Args:
        logprobs: Of each token, (n,).
        k: Share of the tokens, in (0, 1].
    """
    values = np.sort(np.asarray(logprobs, dtype=float))
    n = _share(k, values.size)
    return float(values[:n].sum() / n) if n else math.nan


def min_k_plus_plus(
    logprobs: npt.ArrayLike, means: npt.ArrayLike, deviations: npt.ArrayLike, k: float
) -> float:
    """Min-K% of standard scores: how far log p lies above its mean over the vocabulary.

    Formula: z = (log p - mu) / sigma with mu = sum p log p, sigma^2 = sum p (log p)^2 - mu^2; mean
    of the floor(k n) lowest. Tokens whose sigma is next to 0 (the model was certain) have no z and
    are left out of n. Undefined: floor(k n) is 0, or no moments are given.
    Reference: Zhang et al. 2025 (2404.02936).
    """
    return min_k(standard_scores(logprobs, means, deviations), k)


def standard_scores(
    logprobs: npt.ArrayLike, means: npt.ArrayLike, deviations: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """(log p - mu) / sigma of the tokens that have one, in order."""
    spread = np.asarray(deviations, dtype=float)
    if not spread.size:
        return np.empty(0)
    kept = spread > SMALLEST_DEVIATION
    excess = np.asarray(logprobs, dtype=float) - np.asarray(means, dtype=float)
    return np.asarray(excess[kept] / spread[kept], dtype=float)


def max_entropy(means: npt.ArrayLike, k: float) -> float:
    """Minus the mean of the floor(k n) largest entropies of the next-token distributions, in nats.

    This is MaxRényi-K% at order 1, where Rényi's entropy is Shannon's, -sum p log p; a model is
    less in doubt about members. Undefined: floor(k n) is 0, or no moments are given.
    Reference: Li et al. 2024 (2411.02902).
    """
    return min_k(means, k)


def _share(k: float, n: int) -> int:
    """floor(k n), safe from products like 0.29 x 100 = 28.999999999999996."""
    if not 0 < k <= 1:
        raise ValueError(f"k must lie in (0, 1] (got {k})")
    return math.floor(round(k * n, 9))
