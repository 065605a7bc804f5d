"""Recall of every class, and their mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import bootstrap_interval, proportion_interval


@dataclass(frozen=True)
class BalancedAccuracy:
    """Mean over classes of the share found, then the share of each class (its recall).

    Formula: (1/C) Σ_c hits_c / n_c over the C classes that occur. Range: [0, 1]; higher is
    better. The null is 1/C: what any constant, and any guess that ignores the text, gets. The
    interval is a bootstrap within classes; those of the recalls are Clopper-Pearson's, or a
    bootstrap where ties made fractions. Undefined: no answered sample.
    Reference: Brodersen et al. 2010, ICPR, "The balanced accuracy and its posterior distribution".
    """

    name: str = "balanced accuracy"
    hits: str = "correct"
    classes: str = "target"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The mean, then one recall for each class."""
        if table.n == 0:
            return [undefined(self.name, "no sample was answered", direction="higher is better")]
        hits = table.numbers(self.hits)
        labels = np.array([str(item) for item in table[self.classes]])
        return [self._mean(hits, labels, rng), *self._recalls(hits, labels, rng)]

    def _mean(self, hits: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Estimate:
        names, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
        weights = 1 / counts[index]
        interval = bootstrap_interval(hits, rng=rng, strata=labels, weights=weights)
        return Estimate(
            self.name,
            float(np.average(hits, weights=weights)),
            interval.low,
            interval.high,
            level=interval.level,
            method=interval.method if interval.is_defined else f"no interval: {interval.reason}",
            n=len(hits),
            direction="higher is better",
            null=Null(1 / len(names), why="one class for every text"),
            extra={"n_classes": len(names)},
        )

    def _recalls(
        self, hits: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> Iterator[Estimate]:
        for name in sorted(set(labels)):
            found = hits[labels == name]
            whole = np.isin(found, (0.0, 1.0)).all()  # ties leave fractions
            interval = proportion_interval(found) if whole else bootstrap_interval(found, rng=rng)
            yield Estimate(
                "recall",
                float(found.mean()),
                interval.low,
                interval.high,
                level=interval.level,
                method=interval.method,
                n=len(found),
                slice=f"{self.classes}={name}",
                direction="higher is better",
            )
