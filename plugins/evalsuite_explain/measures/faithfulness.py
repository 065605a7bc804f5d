"""Measures of faithfulness: pure functions of scores and probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)


def top_counts(n: int, fractions: Sequence[float] = FRACTIONS) -> list[int]:
    """How many of n positions each fraction means: rounded up, at least one."""
    return [max(1, int(np.ceil(fraction * n))) for fraction in fractions]


def area_over_perturbation(full: float, perturbed: Sequence[float]) -> float:
    """Mean drop from the full input's probability over several perturbed ones.

    With the top positions removed it is comprehensiveness (higher: they mattered); with only they
    kept it is sufficiency (lower: they were enough). Range [-1, 1].
    Reference: DeYoung et al. 2020, ERASER, section 4.2; Samek et al. 2017.
    """
    return float(np.mean([full - value for value in perturbed]))


def normalised_area(value: float, lowest: float, highest: float) -> float:
    """An area over perturbation relative to the best and worst ranking of the same input.

    Without it, a model with flatter outputs looks less faithful under equal rankings.
    Range [0, 1]; NaN when all rankings are equal. Reference: Edin et al. 2024, NAOPC.
    """
    return (value - lowest) / (highest - lowest) if highest > lowest else float("nan")


def curve_area(values: Sequence[float], shares: Sequence[float] | None = None) -> float:
    """Area under a deletion or insertion curve by trapezoids, the axis scaled to [0, 1].

    Deletion: lower is better. Insertion: higher is better. Reference: Petsiuk et al. 2018, RISE.

    Args:
        values: The answer at each point [points].
        shares: Of the positions that are taken away or put back at each [points]; evenly spread
            from 0 to 1 if not given.
    """
    spread = np.linspace(0, 1, len(values)) if shares is None else np.asarray(shares, dtype=float)
    return float(np.trapezoid(np.asarray(values, dtype=float), spread))


def curve_counts(n: int, steps: int, fractions: Sequence[float] = FRACTIONS) -> list[int]:
    """At how many of n positions a curve has points: all where there are no more than ``steps``.

    Else ``steps`` + 1 of them, evenly spread from none to all, and those of the fractions.
    """
    if n <= steps:
        return list(range(n + 1))
    even = np.rint(np.linspace(0, n, steps + 1)).astype(int).tolist()
    return sorted({*even, *top_counts(n, fractions)})


def ranking(scores: npt.ArrayLike) -> list[int]:
    """Positions from the highest to the lowest score; equal ones in their own order."""
    return np.argsort(-np.asarray(scores, dtype=float), kind="stable").tolist()
