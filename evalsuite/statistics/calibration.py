"""Whether confidences come true: expected calibration error and proper scores."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.permutation import NullDistribution
from evalsuite.statistics.units import Floats, Integers

Binning: TypeAlias = Literal["width", "mass"]
Closed: TypeAlias = Literal["right", "left"]


def expected_calibration_error(
    confidences: npt.ArrayLike,
    correct: npt.ArrayLike,
    *,
    bins: int = 10,
    binning: Binning = "width",
    closed: Closed = "right",
) -> float:
    """Mean distance between confidence and accuracy, bin by bin.

    Formula: Σ_b (n_b/n)·|accuracy_b − mean confidence_b|. ``width``: equal widths on [0, 1], and
    ``closed`` says to which side an edge belongs, which can change the value much; the outermost
    bins hold 0 and 1. ``mass``: equal numbers, equal confidences never split, so the order of
    samples does not matter.
    Range: [0, 1], lower is better. Biased upward, also for a perfectly calibrated model: compare
    with :func:`calibration_null`. Undefined: no samples, or a NaN confidence (NaN).
    Reference: Guo et al. 2017 (1706.04599); equal mass: Nguyen & O'Connor 2015 (1508.05154).

    Args:
        confidences: Probability given to the answer, (n,), in [0, 1].
        correct: Whether it was right, (n,).
        bins: Number of bins.
        binning: Equal widths or equal masses.
        closed: ``right``: (a, b], as in Guo et al.; ``left``: [a, b).
    """
    confidence, hits = _checked(confidences, correct)
    if confidence.size == 0 or np.isnan(confidence).any():
        return math.nan
    members = bin_index(confidence, bins, binning, closed)
    # n_b · |accuracy_b − confidence_b| is the absolute total of the differences in the bin.
    totals = np.bincount(members, hits - confidence, minlength=bins)
    return float(np.abs(totals).sum() / confidence.size)


def bin_index(
    confidences: npt.ArrayLike, bins: int, binning: Binning = "width", closed: Closed = "right"
) -> Integers:
    """Bin of each confidence, (n,), counted from 0; see :func:`expected_calibration_error`."""
    if bins < 1:
        raise ValueError(f"there must be at least one bin (got {bins})")
    confidence = np.asarray(confidences, dtype=float)
    if closed not in ("right", "left"):
        raise ValueError(f"closed must be right or left (got {closed!r})")
    if binning == "width":
        # k/bins, not linspace: those are the floats a confidence of "0.3" is equal to.
        upper = np.arange(1, bins) / bins
        return np.searchsorted(upper, confidence, side="left" if closed == "right" else "right")
    last = np.ceil(np.arange(1, bins) * confidence.size / bins).astype(int) - 1
    upper = np.sort(confidence)[np.maximum(last, 0)]
    return np.searchsorted(upper, confidence, side="left")


def calibration_null(
    confidences: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    bins: int = 10,
    binning: Binning = "width",
    closed: Closed = "right",
    simulations: int = 1000,
) -> NullDistribution:
    """Calibration error of a model whose confidences are exactly right, at this sample size.

    Formula: outcomes drawn as Bernoulli(confidence), ECE of each draw. Its mean is the floor.
    Undefined: no samples, or a NaN confidence (no draws and a reason).
    Reference: Bröcker & Smith 2007, Weather and Forecasting 22 (consistency resampling).
    """
    confidence = np.asarray(confidences, dtype=float)
    if confidence.size == 0 or np.isnan(confidence).any():
        return NullDistribution(np.empty(0), reason="no samples, or a confidence is NaN")
    members = bin_index(confidence, bins, binning, closed)
    samples = np.empty(simulations)
    for index in range(simulations):
        surprise = (rng.random(confidence.size) < confidence) - confidence
        totals = np.bincount(members, surprise, minlength=bins)
        samples[index] = np.abs(totals).sum() / confidence.size
    return NullDistribution(samples)


def brier_score(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Mean squared distance between forecast and outcome.

    Formula: binary (n,): mean (pᵢ − yᵢ)², range [0, 1], 0.25 for always one half. Many classes
    (n, classes): mean Σ_c (p_ic − 1[yᵢ = c])², range [0, 2]; twice the binary score for two.
    Lower is better. Undefined: no samples (NaN). Reference: Brier 1950, Monthly Weather Review 78.

    Args:
        probabilities: Of the outcome being true, (n,), or of each class, (n, classes).
        outcomes: Booleans, or the index of the class, (n,).
    """
    forecast = np.asarray(probabilities, dtype=float)
    if len(forecast) == 0:
        return math.nan
    if forecast.ndim == 1:
        return float(np.mean((forecast - np.asarray(outcomes, dtype=float)) ** 2))
    truth = np.eye(forecast.shape[1])[np.asarray(outcomes, dtype=np.int64)]
    return float(np.mean(((forecast - truth) ** 2).sum(axis=1)))


def negative_log_likelihood(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Mean surprise at the outcome, in nats.

    Formula: −mean ln p(outcome). Range: [0, ∞]; lower is better; infinite where an outcome was
    declared impossible, since clipping would hide exactly that. Undefined: no samples (NaN).
    Reference: Good 1952, JRSS B 14.

    Args:
        probabilities: Of the outcome being true, (n,), or of each class, (n, classes).
        outcomes: Booleans, or the index of the class, (n,).
    """
    forecast = np.asarray(probabilities, dtype=float)
    if len(forecast) == 0:
        return math.nan
    if forecast.ndim == 1:
        of_outcome = np.where(np.asarray(outcomes, dtype=bool), forecast, 1 - forecast)
    else:
        indices = np.asarray(outcomes, dtype=np.int64)[:, None]
        of_outcome = np.take_along_axis(forecast, indices, axis=1)
    with np.errstate(divide="ignore"):
        return float(-np.log(of_outcome).mean())


def _checked(confidences: npt.ArrayLike, correct: npt.ArrayLike) -> tuple[Floats, Floats]:
    confidence, hits = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    if confidence.ndim != 1 or confidence.shape != hits.shape:
        raise ValueError("confidences and outcomes must be of one dimension and equally long")
    if np.any((confidence < 0) | (confidence > 1)):
        raise ValueError("confidences must lie in [0, 1]")
    return confidence, hits
