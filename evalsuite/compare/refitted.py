"""Any metric at all: computed anew on tables whose units are drawn for both subjects at once.

What follows from how often each row occurs needs no table of its own for every draw.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evalsuite.compare.recomputed import JobRecords, Key, Recomputed, values_of
from evalsuite.compare.records import Difference
from evalsuite.compare.tables import rows_of
from evalsuite.metric import Counted, Metric, Table
from evalsuite.statistics import (
    BootstrapDistribution,
    minimum_detectable,
    normal_p_value,
    units_needed,
)
from evalsuite.statistics.units import Floats, chunks

if TYPE_CHECKING:
    from evalsuite.compare.differences import JobPair

Integers = npt.NDArray[np.int64]
# A metric that takes longer than this for one value is not computed anew hundreds of times. Seconds
# of the processor: on a busy machine a comparison must not come out in another way.
SLOW_SECONDS = 0.25


@dataclass(frozen=True, eq=False)
class Draws:
    """Units drawn with replacement, the same for every subject that has the same units.

    Attributes:
        members: The rows of each unit.
        of_draw: The units of each draw, (draws, n_units).
    """

    members: list[Integers]
    of_draw: Integers

    def rows(self, draw: int) -> tuple[Integers, Integers]:
        """The rows of a draw, and for each which copy of its unit it belongs to."""
        units = np.sort(self.of_draw[draw])
        copies = np.arange(len(units)) - np.searchsorted(units, units)
        rows = [self.members[unit] for unit in units.tolist()]
        return np.concatenate(rows), np.repeat(copies, [len(part) for part in rows])

    @cached_property
    def unit_of_row(self) -> Integers:
        """The unit that each row belongs to, (n_rows,)."""
        rows = np.concatenate(self.members)
        units = np.empty(len(rows), dtype=np.int64)
        units[rows] = np.repeat(np.arange(len(self.members)), [len(part) for part in self.members])
        return units

    def counts(self, some: slice) -> Floats:
        """How often each row occurs in some of the draws, (draws, n_rows)."""
        drawn, n_units = self.of_draw[some], len(self.members)
        shifted = drawn + n_units * np.arange(len(drawn))[:, None]
        tally = np.bincount(shifted.ravel(), minlength=len(drawn) * n_units)
        return tally.reshape(len(drawn), n_units)[:, self.unit_of_row].astype(float)


def make_draws(
    clusters: npt.NDArray[np.str_] | None, n_rows: int, draws: int, rng: np.random.Generator
) -> Draws:
    """Draws of as many units as there are."""
    if clusters is None:
        members = list(np.arange(n_rows)[:, None])
    else:
        members = [np.flatnonzero(clusters == name) for name in sorted(set(clusters.tolist()))]
    return Draws(members, rng.integers(0, len(members), size=(draws, len(members))))


def refitted(
    pair: JobPair, key: Key, before: Recomputed, after: Recomputed, plain: Difference
) -> Difference:
    """The difference with the interval of a joint bootstrap; ``plain`` where that is too slow."""
    clusters = pair.clusters(before, pair.pairing.first)
    values, replicates = [], []
    sides = (
        (pair.baseline, before, pair.pairing.first),
        (pair.candidate, after, pair.pairing.second),
    )
    for job, recomputed, rows in sides:
        found = _replicates_of(job, pair, recomputed, rows, clusters)
        if found is None:
            return replace(plain, reason="too slow to compute anew; the two are taken as unrelated")
        values.append(found.values.get(key, math.nan))
        replicates.append(found.replicates.get(key, np.full(pair.drawing.refits, np.nan)))
    n_units = len(rows) if clusters is None else len(set(clusters.tolist()))
    reason = "fewer than two units to resample" if n_units < 2 else None
    distribution = BootstrapDistribution(
        values[1] - values[0], replicates[1] - replicates[0], np.empty(0), n_units, reason
    )
    if any(np.nanstd(one) == 0 for one in replicates):
        why = "it stays the same whichever samples are drawn; the two are taken as unrelated"
        return replace(plain, reason=why)
    return _made(pair, plain, values, distribution, len(pair.pairing.first))


@dataclass(frozen=True)
class _Refits:
    """The estimates of one metric on the paired samples, and on every draw."""

    values: dict[Key, float]
    replicates: dict[Key, npt.NDArray[np.float64]]


def _replicates_of(
    job: JobRecords, pair: JobPair, recomputed: Recomputed, rows: Integers, clusters: Any
) -> _Refits | None:
    """Computed once for each metric, subject and set of samples; None where it takes too long."""
    metric, drawing = recomputed.metric, pair.drawing
    known = (metric.name, rows.tobytes(), None if clusters is None else clusters.tobytes())
    if known not in job.replicates:
        rng = drawing.generator(job.result.label, (metric.name, ""), "refits")
        draws = make_draws(clusters, len(rows), drawing.refits, rng)
        counted = recomputed.form
        if isinstance(counted, Counted):
            job.replicates[known] = _of_counts(counted, rows, draws)
        else:
            table = rows_of(recomputed.table, rows)
            job.replicates[known] = _refits(metric, table, draws, recomputed.unit)
    found: _Refits | None = job.replicates[known]
    return found


def _of_counts(counted: Counted, rows: Integers, draws: Draws) -> _Refits:
    paired = replace(counted, columns=counted.columns[rows])
    parts = [
        paired.score(paired.columns, draws.counts(some))
        for some in chunks(len(draws.of_draw), len(rows))
    ]
    values = dict(zip(paired.keys, paired.values.tolist(), strict=True))
    return _Refits(values, dict(zip(paired.keys, np.concatenate(parts).T, strict=True)))


def _refits(metric: Metric, table: Table, draws: Draws, unit: str | None) -> _Refits | None:
    started = time.process_time()
    values = {key: value for key, (value, _) in values_of(metric, table).items()}
    if time.process_time() - started > SLOW_SECONDS:
        return None
    replicates = {key: np.full(len(draws.of_draw), np.nan) for key in values}
    for draw in range(len(draws.of_draw)):
        drawn = _drawn(table, draws, draw, unit)
        for key, (value, _) in values_of(metric, drawn).items():
            if key in replicates:
                replicates[key][draw] = value
    return _Refits(values, replicates)


def _drawn(table: Table, draws: Draws, draw: int, unit: str | None) -> Table:
    """The table of one draw, in which a unit drawn twice is two units."""
    rows, copies = draws.rows(draw)
    drawn = rows_of(table, rows)
    if unit is None or not copies.any():
        return drawn
    labels = np.array(drawn[unit], dtype=object)
    again = np.flatnonzero(copies)
    for place in again.tolist():
        labels[place] = f"{labels[place]} (copy {copies[place]})"
    return Table({**drawn.columns, unit: labels}, drawn.n, 0)


def _made(
    pair: JobPair,
    plain: Difference,
    values: list[float],
    distribution: BootstrapDistribution,
    n_pairs: int,
) -> Difference:
    interval = distribution.interval(pair.drawing.level, "expanded")
    error, alpha = distribution.standard_error, pair.drawing.alpha
    value = distribution.observed
    method = f"paired bootstrap, {pair.drawing.refits} times anew ({interval.method})"
    return replace(
        plain,
        baseline_value=values[0],
        candidate_value=values[1],
        value=value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        method=method if interval.is_defined else f"no interval: {interval.reason}",
        test="normal, standard error of the bootstrap",
        n=n_pairs,
        n_units=distribution.n_units,
        p_value=normal_p_value(value, error) if interval.is_defined else math.nan,
        minimum_detectable=minimum_detectable(error, alpha=alpha),
        n_needed=units_needed(value, error, distribution.n_units, alpha=alpha),
        reason=interval.reason,
    )
