"""Intervals: two bounds, the level they hold at, and how they were made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri


@dataclass(frozen=True, slots=True)
class Interval:
    """Two bounds that cover the truth in about ``level`` of repeated studies.

    Attributes:
        low, high: The bounds; both NaN when undefined.
        level: Nominal coverage, e.g. 0.95.
        method: How it was made, e.g. ``Clopper-Pearson``.
        reason: Why there are no bounds; None when there are.
    """

    low: float
    high: float
    level: float
    method: str
    reason: str | None = None

    @classmethod
    def undefined(cls, reason: str, *, level: float = 0.95, method: str = "") -> Interval:
        """An interval without bounds that says why."""
        return cls(math.nan, math.nan, level, method, reason)

    @property
    def is_defined(self) -> bool:
        """Whether there are bounds."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def described(self) -> str:
        """How it was made, or why there is none."""
        return self.method if self.is_defined else f"no interval: {self.reason}"

    @property
    def width(self) -> float:
        """Upper minus lower bound; NaN when undefined."""
        return self.high - self.low

    def contains(self, value: float) -> bool:
        """Whether a value lies between the bounds, bounds included; False when undefined."""
        return self.low <= value <= self.high


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Exact interval of a proportion, from the binomial tails turned into beta quantiles.

    Formula: low = B⁻¹(α/2; k, n−k+1), high = B⁻¹(1−α/2; k+1, n−k), α = 1 − level.
    Range: [0, 1]; coverage is at least ``level`` for every n and every true proportion.
    Undefined: n = 0 (NaN bounds with a reason). Assumes independent trials.
    Reference: Clopper & Pearson 1934, Biometrika 26.

    Args:
        successes: Number of successes k, 0 ≤ k ≤ n.
        n: Number of independent trials.
        level: Nominal coverage in (0, 1).
    """
    method = "Clopper-Pearson"
    _check_counts(successes, n)
    tail = _tail(level)
    if n == 0:
        return Interval.undefined("no trials", level=level, method=method)
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Interval(low, high, level, method)


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Score interval of a proportion: the values a normal score test would not reject.

    Formula: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n), z = Φ⁻¹(1 − α/2).
    Range: [0, 1]; coverage is close to ``level`` on average, and may fall below it.
    Undefined: n = 0 (NaN bounds with a reason). Assumes independent trials.
    Reference: Wilson 1927, JASA 22.

    Args:
        successes: Number of successes k, 0 ≤ k ≤ n.
        n: Number of independent trials.
        level: Nominal coverage in (0, 1).
    """
    _check_counts(successes, n)
    z_squared = float(ndtri(_tail(level))) ** 2
    if n == 0:
        return Interval.undefined("no trials", level=level, method="Wilson")
    share = successes / n
    centre = (share + z_squared / (2 * n)) / (1 + z_squared / n)
    spread = math.sqrt(z_squared * (share * (1 - share) + z_squared / (4 * n)) / n)
    half = spread / (1 + z_squared / n)
    # At 0 and n successes a bound is exactly 0 or 1; rounding must not leave it beyond.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low, high, level, "Wilson")


def _tail(level: float) -> float:
    """Half of what an interval leaves outside."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1 (got {level})")
    return (1 - level) / 2


def _check_counts(successes: int, n: int) -> None:
    """Refuse counts no experiment can give."""
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n (got {successes} of {n})")
