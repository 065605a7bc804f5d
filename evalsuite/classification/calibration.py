"""Whether the confidences of classification records come true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite.metric import Estimate, Null, Table, undefined
from evalsuite.statistics import (
    bootstrap_interval,
    by_repetition,
    calibration_null,
    expected_calibration_error,
)


@dataclass(frozen=True)
class CalibrationError:
    """Expected calibration error of the predicted class, in bins of equal mass.

    Formula: Σ_b (n_b/n) |accuracy_b - mean confidence_b|. Range [0, 1], lower is better. It is
    above zero even for confidences that are exactly right: the null is its mean over outcomes
    drawn from the confidences, its margin two standard deviations of these. Interval: bootstrap
    over samples. Reference: Guo et al. 2017; Nguyen and O'Connor 2015 (equal mass).
    """

    bins: int = 15
    name: str = "calibration error"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate; undefined with fewer samples than bins."""
        confidence, correct = table.numbers("confidence"), table.numbers("correct")
        if table.n < self.bins:
            return [undefined(self.name, f"{table.n} samples do not fill {self.bins} bins")]
        facts: dict[str, Any] = {"bins": self.bins, "binning": "mass"}

        def error(pairs: Any) -> float:
            return expected_calibration_error(pairs[:, 0], pairs[:, 1], **facts)

        pairs = np.stack([confidence, correct], axis=1)
        interval = bootstrap_interval(pairs, by_repetition(error), rng=rng, resamples=500)
        floor = calibration_null(confidence, rng=rng, simulations=500, **facts)
        null = Null(floor.mean, 2 * floor.sd, "above", "confidences that are exactly right")
        return [
            Estimate(
                self.name,
                error(pairs),
                interval.low,
                interval.high,
                method=interval.method,
                n=table.n,
                direction="lower is better",
                null=null,
            )
        ]
