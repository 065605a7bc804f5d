"""Metrics of classification records: recall by class, calibration, what the template changes."""

from __future__ import annotations

import math
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
from evalsuite.wordings import Wordings

BY_TEMPLATE = "_by_template"


@dataclass(frozen=True)
class MeanPerClassRecall:
    """Mean over classes of the share of a class's samples that are recognised; range [0, 1].

    Unlike accuracy it does not let frequent classes outweigh rare ones. Interval: bootstrap over
    samples. Undefined: no class has a sample.
    """

    name: str = "mean per-class recall"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        correct = table.numbers("correct")
        names = np.array([str(item) for item in table["target"]])
        rows = np.stack([names == name for name in np.unique(names)]).astype(float)

        def recall(values: Any, counts: Any) -> Any:
            hits = (counts * values) @ rows.T
            seen = counts @ rows.T
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.nanmean(np.where(seen > 0, hits / seen, math.nan), axis=1)

        interval = bootstrap_interval(correct, recall, rng=rng)
        return [
            Estimate(
                self.name,
                float(recall(correct, np.ones((1, len(correct))))[0]),
                interval.low,
                interval.high,
                method=interval.method,
                n=table.n,
                direction="higher is better",
            )
        ]


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


@dataclass(frozen=True)
class TemplateSpread(Wordings):
    """Accuracy of each template alone: best minus worst, worst, best, mean, and agreement."""

    count: int = 0
    name: str = "over templates"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Nothing where there is one template only."""
        return super().estimate(table, rng) if BY_TEMPLATE in table.columns else []

    def values(self, table: Table) -> Any:
        """Credit of every sample under every template [samples, templates]."""
        return np.stack([np.asarray(row, dtype=float) for row in table[BY_TEMPLATE]])
