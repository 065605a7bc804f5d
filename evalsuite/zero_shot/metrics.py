"""Metrics of zero-shot records: recall by class, and what the template changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite.metric import Estimate, Summed, Table
from evalsuite.statistics import bootstrap_interval
from evalsuite.summing import columns_by_group, mean_of_group_means
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

    def summed(self, table: Table) -> Iterator[Summed]:
        """How it follows from the hits and the rows of each class."""
        columns, names = columns_by_group(table.numbers("correct"), table["target"])
        yield Summed(self.name, "", columns, mean_of_group_means, names)


@dataclass(frozen=True)
class TemplateSpread(Wordings):
    """Accuracy of each template alone: best minus worst, worst, best, mean, and agreement."""

    count: int = 0
    name: str = "over templates"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Nothing where there is one template only."""
        return super().estimate(table, rng) if BY_TEMPLATE in table.columns else []

    def summed(self, table: Table) -> Iterator[Summed]:
        """Nothing where there is one template only."""
        return super().summed(table) if BY_TEMPLATE in table.columns else iter(())

    def values(self, table: Table) -> Any:
        """Credit of every sample under every template [samples, templates]."""
        return np.stack([np.asarray(row, dtype=float) for row in table[BY_TEMPLATE]])
