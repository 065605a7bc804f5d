"""How concentrated scores are. Descriptive: a short explanation is not a truer one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def gini(scores: npt.ArrayLike) -> float:
    """Gini index of the absolute scores: 0 all equal, (n - 1) / n all in one; NaN if all are 0.

    Reference: Chalasani et al. 2020, Concise explanations, section 3.
    """
    sizes = np.sort(np.abs(np.asarray(scores, dtype=float).reshape(-1)))
    total, n = float(sizes.sum()), len(sizes)
    if total == 0:
        return math.nan
    ranks = np.arange(1, n + 1)
    return float(((2 * ranks - n - 1) * sizes).sum() / (n * total))


def entropy(scores: npt.ArrayLike) -> float:
    """Entropy in nats of the shares of the absolute scores: 0 all in one, log n all equal.

    NaN if all are 0. Reference: Bhatt et al. 2020, Evaluating and aggregating, definition 4.
    """
    sizes = np.abs(np.asarray(scores, dtype=float).reshape(-1))
    if sizes.sum() == 0:
        return math.nan
    shares = sizes[sizes > 0] / sizes.sum()
    return float(-(shares * np.log(shares)).sum())


def effective_complexity(scores: npt.ArrayLike, threshold: float = 1e-5) -> int:
    """How many absolute scores exceed a threshold. Reference: Nguyen and Martinez 2020."""
    return int((np.abs(np.asarray(scores, dtype=float)) > threshold).sum())
