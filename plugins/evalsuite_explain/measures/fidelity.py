"""Do scores predict what the model does? Infidelity, sensitivity-n, and how stable scores are."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def infidelity(predicted: npt.ArrayLike, drops: npt.ArrayLike, *, normalise: bool = False) -> float:
    """E[(I . phi - (f(x) - f(x - I)))^2] over perturbations I of an input.

    Range from 0 (the scores predict every drop), lower is better, in the target's unit squared.
    With ``normalise`` the scores are first scaled by the one factor that makes it least, so that
    explainers of another unit can be compared. Reference: Yeh et al. 2019, On the (in)fidelity and
    sensitivity of explanations, definition 2.1.

    Args:
        predicted: I . phi, for features that are taken away the sum of their scores [draws].
        drops: f(x) - f(x - I) [draws].
        normalise: Scale the scores first.
    """
    foreseen, seen = np.asarray(predicted, dtype=float), np.asarray(drops, dtype=float)
    if normalise:
        power = float(foreseen @ foreseen)
        foreseen = foreseen * (float(foreseen @ seen) / power if power else 0.0)
    return float(np.mean((foreseen - seen) ** 2))


def sensitivity_n(predicted: npt.ArrayLike, drops: npt.ArrayLike) -> float:
    """Pearson correlation of the sums of n features' scores and the drops without those features.

    Range [-1, 1], higher is better; NaN where either does not vary (a constant model, equal
    scores). Reference: Ancona et al. 2018, Towards better understanding, definition 1.

    Args:
        predicted: Of each set of n features the sum of its scores [sets].
        drops: f(x) - f(x without the set) [sets].
    """
    foreseen, seen = np.asarray(predicted, dtype=float), np.asarray(drops, dtype=float)
    if len(foreseen) < 2 or np.ptp(foreseen) <= 1e-12 or np.ptp(seen) <= 1e-12:
        return math.nan
    return float(np.corrcoef(foreseen, seen)[0, 1])


def completeness_error(scores: npt.ArrayLike, total: float) -> float:
    """|sum of the scores - (f(x) - f(baseline))|; 0 is complete, which is needed but not enough.

    Scores that share the total out equally have no error either.
    Reference: Sundararajan et al. 2017, section 3.
    """
    return abs(float(np.sum(np.asarray(scores, dtype=float))) - total)


def max_sensitivity(scores: npt.ArrayLike, nearby: npt.ArrayLike) -> float:
    """Largest over nearby inputs of ||phi(x + delta) - phi(x)|| / ||phi(x)||.

    Range from 0, lower is more stable; NaN for scores that are all 0.
    Reference: Yeh et al. 2019, definition 4.1, relative as captum and Quantus have it.

    Args:
        scores: phi(x) [features].
        nearby: phi(x + delta) for each delta [draws, features].
    """
    own, others = np.asarray(scores, dtype=float), np.asarray(nearby, dtype=float)
    size = float(np.linalg.norm(own))
    if size == 0:
        return math.nan
    return float(np.linalg.norm(others - own, axis=1).max() / size)


def unexplained_share(predicted: npt.ArrayLike, drops: npt.ArrayLike) -> float:
    """Normalised infidelity over the mean squared drop: what the scores do not foresee [0, 1].

    Unlike infidelity it has no unit, so that models and targets can be compared. NaN where nothing
    drops (a constant model).
    """
    power = float(np.mean(np.asarray(drops, dtype=float) ** 2))
    if power <= 1e-24:
        return math.nan
    return infidelity(predicted, drops, normalise=True) / power
