"""The bins of a reliability diagram: what was promised, what came true, what chance allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.calibration import Binning, Closed, bin_index
from evalsuite.statistics.units import Floats, Integers


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """The bins that hold a sample, from the least confident on; every array has one entry a bin.

    Attributes:
        counts: Samples.
        confidence: Mean confidence, in [0, 1].
        accuracy: Share that was right, in [0, 1].
        low, high: Where the accuracy lies, with the probability asked for, if confidences are
            exactly right.
    """

    counts: Integers
    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats


def reliability_bins(
    confidences: npt.ArrayLike,
    correct: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    bins: int = 10,
    binning: Binning = "width",
    closed: Closed = "right",
    level: float = 0.95,
    simulations: int = 1000,
) -> ReliabilityBins:
    """The same bins as :func:`expected_calibration_error`, with a consistency band.

    The band holds the central ``level`` of accuracies of outcomes drawn from the confidences, bin
    by bin: of 20 bins of a perfect model one is expected outside.
    Reference: Bröcker & Smith 2007, Weather and Forecasting 22.

    Args:
        confidences: Probability given to the answer, (n,), in [0, 1].
        correct: Whether it was right, (n,); fractions where ties shared the credit.
        rng: Source of the simulated outcomes.
        bins: Number of bins; empty ones are left out.
        binning: Equal widths or equal masses.
        closed: To which side an edge belongs.
        level: Of the band.
        simulations: Outcomes drawn for it.
    """
    confidence, hits = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    members = bin_index(confidence, bins, binning, closed)
    counts = np.bincount(members, minlength=bins)
    filled = counts > 0
    shares = np.empty((simulations, int(filled.sum())))
    for index in range(simulations):
        drawn = (rng.random(confidence.size) < confidence).astype(float)
        shares[index] = _means(drawn, members, counts)[filled]
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(shares, tails, axis=0) if filled.any() else np.empty((2, 0))
    return ReliabilityBins(
        counts[filled],
        _means(confidence, members, counts)[filled],
        _means(hits, members, counts)[filled],
        low,
        high,
    )


def _means(values: Floats, members: Integers, counts: Integers) -> Floats:
    totals = np.bincount(members, values, minlength=len(counts))
    return np.asarray(totals / np.maximum(counts, 1))
