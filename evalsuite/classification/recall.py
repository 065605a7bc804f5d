"""Recall of every class, and their mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import (
    Interval,
    bootstrap_interval,
    proportion_interval,
    totals_distribution,
)
from evalsuite.summing import (
    columns_by_group,
    mean_of_group_means,
    of_sums,
    ratio_columns,
    with_slices,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BalancedAccuracy:
    """Mean over classes of the share found, then the share of each class (its recall).

    Formula: (1/C) Σ_c hits_c / n_c over the C classes that occur. Range: [0, 1]; higher is
    better. The null is 1/C: what any constant, and any guess that ignores the input, gets. The
    interval is a bootstrap within classes, or over whole clusters; those of the recalls are
    Clopper-Pearson's, or a bootstrap where ties made fractions. Undefined: no answered sample.
    Reference: Brodersen et al. 2010, ICPR, "The balanced accuracy and its posterior distribution".

    Attributes:
        name: What the report calls the mean.
        hits: Column with the credit of each row.
        classes: Column with the right class.
        by: Column whose values give further means.
        clusters: Column of the resampling unit; rows within their class are the unit without it.
    """

    name: str = "balanced accuracy"
    hits: str = "correct"
    classes: str = "target"
    by: str | None = None
    clusters: str | None = None

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The mean, one recall for each class, then the mean for each value of ``by``."""
        if table.n == 0:
            return [undefined(self.name, "no sample was answered", direction="higher is better")]
        return [self._mean(table, rng, ""), *self._recalls(table, rng), *self._slices(table, rng)]

    def summed(self, table: Table) -> Iterator[Summed]:
        """How the mean, the recalls and the slices follow from sums."""
        hits = table.numbers(self.hits)
        columns, names = columns_by_group(hits, table[self.classes])
        whole = Summed(self.name, "", columns, mean_of_group_means, names)
        yield from with_slices(whole, table, self.by)
        shares = Summed("recall", "", ratio_columns(hits), of_sums, is_mean=True)
        yield from islice(with_slices(shares, table, self.classes), 1, None)

    def _slices(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        if self.by is None or self.by not in table.columns:
            return
        column = np.array([str(item) for item in table[self.by]])
        for value in sorted(set(column)):
            yield self._mean(table.where(column == value), rng, f"{self.by}={value}")

    def _mean(self, table: Table, rng: np.random.Generator, label: str) -> Estimate:
        hits, labels = table.numbers(self.hits), self._texts(table, self.classes)
        names, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
        is_clustered = self.clusters is not None and self.clusters in table.columns
        weights = 1 / counts[index]
        if is_clustered:
            interval = self._clustered(table, hits, np.eye(len(names))[index], rng)
        else:
            interval = bootstrap_interval(hits, rng=rng, strata=labels, weights=weights)
        return Estimate(
            self.name,
            float(np.average(hits, weights=weights)),
            interval.low,
            interval.high,
            level=interval.level,
            method=interval.described,
            unit=(self.clusters or "sample") if is_clustered else "sample",
            n=len(hits),
            slice=label,
            direction="higher is better",
            null=Null(1 / len(names), why="one class for every sample"),
            extra={"n_classes": len(names)},
        )

    def _clustered(
        self, table: Table, hits: Floats, is_of: Floats, rng: np.random.Generator
    ) -> Interval:
        """Over whole clusters; a class that a resample does not draw is left out of its mean."""

        def mean_recall(totals: Floats) -> Floats:
            right, seen = np.split(totals, 2, axis=1)
            recalls = np.where(seen > 0, right / np.maximum(1, seen), 0.0)
            return np.asarray(recalls.sum(axis=1) / (seen > 0).sum(axis=1))

        columns = np.concatenate([is_of * hits[:, None], is_of], axis=1)
        units = self._texts(table, str(self.clusters))
        return totals_distribution(columns, mean_recall, rng=rng, clusters=units).interval()

    def _recalls(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        hits, labels = table.numbers(self.hits), self._texts(table, self.classes)
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

    def _texts(self, table: Table, column: str) -> npt.NDArray[np.str_]:
        return np.array([str(item) for item in table[column]])
