"""How small a difference can be found, and how many samples it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import bdtr, gammaln, nctdtr, ndtr, ndtri, stdtrit, xlogy

from evalsuite.statistics.units import Floats, Integers

POWER = 0.8
# Beyond this no study of ours will go; the search for n ends here.
MAX_UNITS = 10**9


def minimum_detectable(
    standard_error: float, *, alpha: float = 0.05, power: float = POWER
) -> float:
    """The smallest true difference that a two-sided test finds with this power.

    Formula: (z₁₋α/₂ + z_power)·SE, SE the standard error of the difference at the size at hand.
    Undefined: the standard error is.
    Reference: Bloom 1995, Evaluation Review 19.
    """
    return float((ndtri(1 - alpha / 2) + ndtri(power)) * standard_error)


def units_needed(
    difference: float,
    standard_error: float,
    n_units: int,
    *,
    alpha: float = 0.05,
    power: float = POWER,
) -> float:
    """Units at which a true difference of this size is found with this power; a whole number.

    Formula: n·(minimum detectable / difference)², as a standard error shrinks with √n.
    Undefined: no difference or no standard error (NaN).
    """
    if math.isnan(standard_error) or math.isnan(difference) or difference == 0:
        return math.nan
    detectable = minimum_detectable(standard_error, alpha=alpha, power=power)
    return float(max(2, math.ceil(n_units * (detectable / difference) ** 2)))


class Design(Protocol):
    """A study whose power is known: of two models on the same samples, or each on its own."""

    @property
    def largest(self) -> float:
        """The largest difference there can be."""
        ...

    def power(self, n: int, difference: float, alpha: float) -> float:
        """Chance to find a true difference with n units (of each model where unpaired)."""
        ...


@dataclass(frozen=True)
class PairedMeans:
    """Paired differences with a standard deviation; the t test.

    Reference: Cohen 1988, Statistical Power Analysis, chapter 2; noncentral t.
    """

    sd: float
    largest: float = math.inf

    def power(self, n: int, difference: float, alpha: float) -> float:
        """1 − F(t; n − 1, √n·δ/σ), the negligible other tail included."""
        return _power_of_t(math.sqrt(n) * difference / self.sd, n - 1, alpha)


@dataclass(frozen=True)
class UnpairedMeans:
    """Two independent samples of n each with a common standard deviation; the t test."""

    sd: float
    largest: float = math.inf

    def power(self, n: int, difference: float, alpha: float) -> float:
        """As paired, with √(n/2)·δ/σ and 2n − 2 degrees of freedom."""
        return _power_of_t(math.sqrt(n / 2) * difference / self.sd, 2 * n - 2, alpha)


@dataclass(frozen=True)
class PairedProportions:
    """Two yes/no answers to each sample, a share of which differ; McNemar's exact test.

    Attributes:
        discordance: Share of the samples on which just one of the two is right.

    Formula: Σₘ P(m discordant of n)·P(the test rejects | m), for (discordance ± δ)/2 either way.
    Reference: Miettinen 1968, Biometrics 24; Connor 1987, Biometrics 43.
    """

    discordance: float

    @property
    def largest(self) -> float:
        """All discordant samples go one way."""
        return self.discordance

    def power(self, n: int, difference: float, alpha: float) -> float:
        """Over the discordant counts that are at all likely."""
        if not 0 < difference <= self.discordance:
            return 0.0
        spread = 9 * math.sqrt(n * self.discordance * (1 - self.discordance)) + 9
        middle = n * self.discordance
        counts = np.arange(
            max(0, math.floor(middle - spread)), min(n, math.ceil(middle + spread)) + 1
        )
        upper = (1 + difference / self.discordance) / 2
        critical = _largest_rejected(counts, alpha)
        hits = np.where(
            critical >= 0,
            bdtr(np.maximum(critical, 0), counts, 1 - upper)
            + bdtr(np.maximum(critical, 0), counts, upper),
            0.0,
        )
        return float(np.sum(_binomial(counts, n, self.discordance) * hits))


@dataclass(frozen=True)
class UnpairedProportions:
    """A rate on n samples against a higher one on n others; the z test with a pooled variance.

    Reference: Fleiss, Levin & Paik 2003, Statistical Methods for Rates and Proportions, ch. 4.
    """

    rate: float

    @property
    def largest(self) -> float:
        """The higher rate is at most 1."""
        return 1 - self.rate

    def power(self, n: int, difference: float, alpha: float) -> float:
        """Φ((δ·√n − z·√(2p̄q̄)) / √(p₁q₁ + p₂q₂))."""
        other = min(1.0, self.rate + difference)
        pooled = (self.rate + other) / 2
        apart = self.rate * (1 - self.rate) + other * (1 - other)
        if apart == 0:
            return 1.0
        z = float(ndtri(1 - alpha / 2))
        shift = difference * math.sqrt(n) - z * math.sqrt(2 * pooled * (1 - pooled))
        return float(ndtr(shift / math.sqrt(apart)))


def units_for(
    design: Design, difference: float, *, alpha: float = 0.05, power: float = POWER
) -> float:
    """The smallest n with this power, of each model where unpaired; NaN where none has it."""
    size = abs(difference)
    if not 0 < size <= design.largest:
        return math.nan
    low, high = 1, 2
    while design.power(high, size, alpha) < power:
        low, high = high, 2 * high
        if high > MAX_UNITS:
            return math.nan
    while high - low > 1:
        middle = (low + high) // 2
        if design.power(middle, size, alpha) < power:
            low = middle
        else:
            high = middle
    return float(high)


def detectable_with(design: Design, n: int, *, alpha: float = 0.05, power: float = POWER) -> float:
    """The smallest difference with this power, to four digits; NaN where even the largest has not.

    Raises:
        ValueError: Fewer than two units.
    """
    if n < 2:
        raise ValueError(f"it takes two units at least (got {n})")
    high = 1e-6 if math.isinf(design.largest) else design.largest
    while math.isinf(design.largest) and design.power(n, high, alpha) < power:
        high *= 2
    if design.power(n, high, alpha) < power:
        return math.nan
    low = 0.0
    while high - low > 1e-5 * high:
        middle = (low + high) / 2
        if design.power(n, middle, alpha) < power:
            low = middle
        else:
            high = middle
    return high


def _power_of_t(shift: float, freedom: int, alpha: float) -> float:
    if freedom < 1:
        return 0.0
    critical = float(stdtrit(freedom, 1 - alpha / 2))
    if freedom > 10_000:  # where the noncentral t is normal, and slow
        return float(ndtr(shift - critical) + ndtr(-shift - critical))
    upper = 1 - float(nctdtr(freedom, shift, critical))
    lower = float(nctdtr(freedom, shift, -critical))
    return upper + (0.0 if math.isnan(lower) else lower)


def _largest_rejected(counts: Integers, alpha: float) -> Floats:
    """For each discordant count m the largest min(b, c) whose exact p-value is at most α; −1."""
    z = float(ndtri(1 - alpha / 2))
    guess = np.floor((counts - z * np.sqrt(np.maximum(counts, 1))) / 2)
    candidates = guess[:, None] + np.arange(-3, 4)
    p_values = 2 * bdtr(np.maximum(candidates, 0), counts[:, None], 0.5)
    is_rejected = (candidates >= 0) & (p_values <= alpha) & (2 * candidates < counts[:, None])
    return np.asarray(np.max(np.where(is_rejected, candidates, -1.0), axis=1))


def _binomial(counts: Integers, n: int, share: float) -> Floats:
    """Probability of each count of n trials."""
    ways = gammaln(n + 1) - gammaln(counts + 1) - gammaln(n - counts + 1)
    return np.asarray(np.exp(ways + xlogy(counts, share) + xlogy(n - counts, 1 - share)))
