"""P-values adjusted for having asked many questions at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def holm(p_values: npt.ArrayLike) -> Floats:
    """Adjusted p-values that bound the chance of any false discovery (family-wise error).

    Formula: sort p₍₁₎ ≤ … ≤ p₍ₘ₎; adjusted p₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1)·p₍ⱼ₎).
    Shape: as given, order kept. Range: [0, 1]; never below the raw p. Valid under any dependence.
    Undefined: a NaN stays NaN and is not counted as a question.
    Reference: Holm 1979, Scandinavian Journal of Statistics 6.
    """
    return _adjusted(p_values, _holm_of_sorted)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Adjusted p-values that bound the expected share of false ones among the discoveries.

    Formula: sort p₍₁₎ ≤ … ≤ p₍ₘ₎; adjusted p₍ᵢ₎ = min over j ≥ i of min(1, m·p₍ⱼ₎ / j).
    Shape: as given, order kept. Range: [0, 1]; never below the raw p. Valid for independent or
    positively dependent tests.
    Undefined: a NaN stays NaN and is not counted as a question.
    Reference: Benjamini & Hochberg 1995, JRSS B 57.
    """
    return _adjusted(p_values, _benjamini_hochberg_of_sorted)


def _holm_of_sorted(ascending: Floats) -> Floats:
    questions_left = np.arange(ascending.size, 0, -1)
    return np.maximum.accumulate(ascending * questions_left)


def _benjamini_hochberg_of_sorted(ascending: Floats) -> Floats:
    scaled = ascending * ascending.size / np.arange(1, ascending.size + 1)
    return np.minimum.accumulate(scaled[::-1])[::-1]


def _adjusted(p_values: npt.ArrayLike, of_sorted: Callable[[Floats], Floats]) -> Floats:
    """Adjust the defined p-values in ascending order and put them back in their places."""
    raw = np.asarray(p_values, dtype=float)
    if np.any((raw < 0) | (raw > 1)):
        raise ValueError("p-values must lie in [0, 1]")
    adjusted = np.full(raw.shape, np.nan)
    defined = np.flatnonzero(~np.isnan(raw))
    order = defined[np.argsort(raw.flat[defined], kind="stable")]
    adjusted.flat[order] = np.minimum(1.0, of_sorted(raw.flat[order]))
    return adjusted
