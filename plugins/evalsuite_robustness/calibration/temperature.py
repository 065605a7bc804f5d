"""The temperature of a model's probabilities, and what is left of its error without it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.classification import CalibrationError
from evalsuite.statistics import cross_fitted_probabilities, fitted_temperature

# JSON of the log-probabilities of all classes, the right one's first.
SCORES = "log_probabilities"
MAX_CLASSES = 100
_FEWEST = 20
_SMALLEST = 1e-30


def scores_record(probabilities: Sequence[float], target: int) -> dict[str, Any]:
    """The column that temperatures are fitted to; None with more than 100 classes, or with none."""
    if not 0 < len(probabilities) <= MAX_CLASSES:
        return {SCORES: None}
    logs = [round(math.log(max(float(p), _SMALLEST)), 6) for p in probabilities]
    return {SCORES: json.dumps([logs[target], *logs[:target], *logs[target + 1 :]])}


@dataclass(frozen=True)
class FittedTemperature:
    """What the model's logits have to be divided by to make the right classes likeliest.

    Above 1 the model is too sure of itself, below 1 not sure enough; 3 is what a model has whose
    logits were multiplied by 3. Fitted to these samples by likelihood; interval: sandwich. The
    order of the classes stays, so neither accuracy nor which answers are right can change.
    Undefined: no softmax over classes, more than 100 of them, or no optimum (every answer right).
    Reference: Guo et al. 2017, section 4.2.

    Attributes:
        clusters: Column of the resampling unit.
    """

    name: str = "temperature"
    primary: bool = False
    clusters: str | None = None

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One temperature for all samples."""
        del rng
        has_scores = _has_scores(table)
        n = int(has_scores.sum())
        if n < _FEWEST:
            return [undefined(self.name, _too_few(n), n=n)]
        kept = table.where(has_scores)
        units = None
        if self.clusters is not None and self.clusters in kept.columns:
            units = np.array([str(item) for item in kept[self.clusters]])
        found = fitted_temperature(_matrix(kept), np.zeros(n, dtype=int), clusters=units)
        return [
            Estimate(
                self.name,
                found.value,
                found.interval.low,
                found.interval.high,
                method=found.interval.method,
                unit=self.clusters or "sample",
                n=n,
                direction="closer to null is better",
                null=Null(1.0, 0.1, why="as sure as it is often right"),
                reason=found.reason,
            )
        ]


@dataclass(frozen=True)
class ScaledCalibrationError:
    """The calibration error that is left once logits are divided by a temperature.

    Each fifth of the samples is scaled by the temperature that the other four are fitted to, so
    that the error is not judged on what it was made small with. An error that stays has another
    cause than a model that is too sure, or not sure enough, throughout.
    Reference: Guo et al. 2017, table 1.

    Attributes:
        error: How the error is measured.
    """

    error: CalibrationError
    name: str = "calibration error after temperature scaling"
    primary: bool = False

    @property
    def clusters(self) -> str | None:
        """The resampling unit of the error."""
        return self.error.clusters

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One error, beside its null."""
        has_scores = _has_scores(table)
        n = int(has_scores.sum())
        if n < _FEWEST:
            return [undefined(self.name, _too_few(n), n=n)]
        kept = table.where(has_scores)
        found = cross_fitted_probabilities(_matrix(kept), np.zeros(n, dtype=int), rng=rng)
        if np.isnan(found).any():
            reason = "a fifth of the samples has no temperature, as where every answer is right"
            return [undefined(self.name, reason, n=n)]
        columns: dict[str, Any] = {**kept.columns, "confidence": found.max(axis=1)}
        metric = replace(self.error, name=self.name, primary=False, by=None)
        return metric.estimate(Table(columns, n), rng)


def _too_few(n: int) -> str:
    return (
        f"{n} of the answers came with the probabilities of all of up to {MAX_CLASSES} classes; "
        f"a temperature is fitted to {_FEWEST} or more"
    )


def _has_scores(table: Table) -> npt.NDArray[np.bool_]:
    if SCORES not in table.columns:
        return np.zeros(table.n, dtype=bool)
    return np.array([value is not None for value in table[SCORES]], dtype=bool)


def _matrix(table: Table) -> npt.NDArray[np.float64]:
    """Log-probabilities (n, classes), the right class's first; -inf where others have more."""
    rows = [json.loads(text) for text in table[SCORES]]
    filled = np.full((len(rows), max(map(len, rows))), -math.inf)
    for index, row in enumerate(rows):
        filled[index, : len(row)] = row
    return filled
