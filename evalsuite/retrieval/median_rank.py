"""The median rank of retrieval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Estimate, Null, Table
from evalsuite.statistics import bootstrap_interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MedianRank:
    """Median, over all queries, of the rank of the best right candidate; 1 is best.

    ``column`` holds a JSON list of the ranks of each record's queries. The mean of the two middle
    ranks where their number is even; ties count as expected ranks. Lower is better. The null is
    the median under a model that scores everything the same. Interval: percentile bootstrap over
    ``clusters``. Undefined: never with an answered sample.

    Attributes:
        column: Lists of ranks.
        chance: Lists of ranks at chance.
        name: What the report calls it.
        clusters: Column of the resampling unit.
    """

    column: str
    chance: str
    name: str
    clusters: str

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        ranks, owner = _flat(table, self.column)
        labels = np.array([str(item) for item in table[self.clusters]])[owner]
        interval = bootstrap_interval(ranks, weighted_median, rng=rng, clusters=labels)
        chance = float(np.median(_flat(table, self.chance)[0]))
        return [
            Estimate(
                self.name,
                float(np.median(ranks)),
                interval.low,
                interval.high,
                method=interval.described,
                unit=self.clusters,
                n=table.n,
                direction="lower is better",
                null=Null(chance, side="below", why="all candidates tied"),
            )
        ]


def _flat(table: Table, column: str) -> tuple[Floats, npt.NDArray[np.int64]]:
    """All ranks, and the record each belongs to."""
    lists = [json.loads(text) for text in table[column]]
    owner = np.repeat(np.arange(len(lists)), [len(ranks) for ranks in lists])
    return np.array([rank for ranks in lists for rank in ranks], dtype=float), owner


def weighted_median(values: Floats, counts: Floats) -> Floats:
    """Medians of values (n,) that were drawn ``counts`` (draws, n) times, (draws,)."""
    order = np.argsort(values, kind="stable")
    running = np.cumsum(counts[:, order], axis=1)
    half = running[:, -1:] / 2
    low = np.argmax(running >= half, axis=1)
    high = np.argmax(running > half, axis=1)
    ascending = values[order]
    return np.asarray((ascending[low] + ascending[high]) / 2)
