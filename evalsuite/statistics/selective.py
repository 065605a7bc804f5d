"""Answering only when sure: how wrong a model still is on the share that it keeps."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.units import Floats


def risk_coverage(confidences: npt.ArrayLike, correct: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Coverage and risk as answers are kept from the surest on, each (n,).

    Coverage k/n, risk the share of errors among the k surest answers. Equal confidences are in
    random order: the risk is its expectation, so that the order of samples does not matter.
    Reference: El-Yaniv & Wiener 2010, JMLR 11; Geifman & El-Yaniv 2017 (1705.08500).

    Args:
        confidences: The higher, the earlier an answer is kept, (n,); no NaN.
        correct: Whether it was right, (n,); fractions where ties shared the credit.
    """
    confidence, errors = np.asarray(confidences, dtype=float), 1 - np.asarray(correct, dtype=float)
    if confidence.ndim != 1 or confidence.shape != errors.shape:
        raise ValueError("confidences and outcomes must be of one dimension and equally long")
    # The expected order within a tie spreads its errors evenly.
    _, members, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    expected = np.bincount(members, errors, minlength=len(counts)) / np.maximum(counts, 1)
    kept = np.arange(1, confidence.size + 1)
    return kept / max(1, confidence.size), np.cumsum(np.repeat(expected, counts)) / kept


def area_under_risk_coverage(confidences: npt.ArrayLike, correct: npt.ArrayLike) -> float:
    """Mean risk over all coverages, AURC.

    Range [0, 1], lower is better; the error rate for confidences that say nothing, and
    :func:`least_area_under_risk_coverage` for ones that put every error last. Undefined: no
    samples, or a NaN confidence (NaN). Reference: Geifman et al. 2019 (1805.08206).
    """
    confidence = np.asarray(confidences, dtype=float)
    if confidence.size == 0 or np.isnan(confidence).any():
        return math.nan
    return float(risk_coverage(confidence, correct)[1].mean())


def least_area_under_risk_coverage(correct: npt.ArrayLike) -> float:
    """The area of an oracle that keeps right answers first; what no confidence gets below."""
    hits = np.asarray(correct, dtype=float)
    return area_under_risk_coverage(hits, hits)


def accuracy_at_coverage(
    confidences: npt.ArrayLike, correct: npt.ArrayLike, coverage: float
) -> float:
    """Share of right answers among the surest ``coverage`` of all, at least one.

    Range [0, 1], higher is better. The number kept is rounded up. Undefined: no samples, or a NaN
    confidence (NaN).
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage must lie in (0, 1] (got {coverage})")
    confidence = np.asarray(confidences, dtype=float)
    if confidence.size == 0 or np.isnan(confidence).any():
        return math.nan
    # 0.07 x 100 is a little more than 7 in floats, and must not keep an eighth.
    kept = max(1, math.ceil(coverage * confidence.size - 1e-9))
    return float(1 - risk_coverage(confidence, correct)[1][kept - 1])
