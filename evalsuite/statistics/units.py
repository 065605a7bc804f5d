"""Units of resampling: the rows, or the clusters of rows, that were drawn independently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Entries of the largest temporary array: 2¹⁷ indices and as many values take 2 MB, which fits a
# core's own cache; eight times as many took twice as long.
CHUNK_ENTRIES = 1 << 17

# With no more distinct values than this, counting them beats drawing every unit.
MAX_DISTINCT = 64


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Which rows are drawn together, and which units are drawn from one pool.

    Attributes:
        of_row: Index of the unit of each row, (n_rows,).
        stratum: Index of the stratum of each unit, (n_units,).
        n_strata: Number of strata.
    """

    of_row: Integers
    stratum: Integers
    n_strata: int

    def __len__(self) -> int:
        return int(self.stratum.size)

    def sums(self, columns: Floats) -> Floats:
        """Totals of each unit, (n_units, n_columns), of columns of shape (n_rows, n_columns)."""
        totals = [np.bincount(self.of_row, column, minlength=len(self)) for column in columns.T]
        return np.stack(totals, axis=1)

    def row_counts(self, unit_counts: Floats) -> Floats:
        """How often each row is drawn, (draws, n_rows), where its unit is drawn that often."""
        return unit_counts[:, self.of_row]

    @property
    def smallest_stratum(self) -> int:
        """Number of units in the stratum that has fewest; 0 without rows."""
        return int(np.bincount(self.stratum, minlength=self.n_strata).min(initial=len(self)))


def codes_of(labels: npt.ArrayLike) -> tuple[Integers, list[Any]]:
    """Codes (n,) that number the labels in sorted order, and the labels; tuples are labels too.

    Raises:
        ValueError: A label is None or NaN; it would silently become a group of its own.
    """
    # As objects: numpy would otherwise turn the NaN in ["a", nan] into the string "nan".
    rows = np.asarray(labels, dtype=object).tolist()
    listed = [tuple(row) if isinstance(row, list) else row for row in rows]
    if any(label is None or label != label for label in listed):
        raise ValueError("a cluster, stratum or group label is missing (None or NaN)")
    distinct = list(dict.fromkeys(listed))
    try:
        distinct.sort()
    except TypeError:  # labels of several types have no order of their own
        distinct.sort(key=lambda label: (type(label).__name__, str(label)))
    code_of = {label: code for code, label in enumerate(distinct)}
    return np.array([code_of[label] for label in listed], dtype=np.int64), distinct


def make_units(
    n_rows: int, clusters: npt.ArrayLike | None = None, strata: npt.ArrayLike | None = None
) -> Units:
    """Units of ``n_rows`` rows: the rows themselves, or clusters; strata are separate pools.

    Raises:
        ValueError: Lengths differ, a label is missing, or a cluster lies in several strata.
    """
    of_row = np.arange(n_rows) if clusters is None else codes_of(clusters)[0]
    stratum_of_row = np.zeros(n_rows, dtype=np.int64) if strata is None else codes_of(strata)[0]
    if of_row.size != n_rows or stratum_of_row.size != n_rows:
        raise ValueError("clusters and strata must have one label for each row")
    if not is_nested(of_row, stratum_of_row):
        raise ValueError("a cluster has rows in several strata; it cannot be drawn from one pool")
    stratum = np.zeros(int(of_row.max(initial=-1)) + 1, dtype=np.int64)
    stratum[of_row] = stratum_of_row
    return Units(of_row, stratum, int(stratum_of_row.max(initial=-1)) + 1)


def is_nested(inner: Integers, outer: Integers) -> bool:
    """Whether every inner code goes with a single outer code."""
    outer_of = np.zeros(int(inner.max(initial=-1)) + 1, dtype=np.int64)
    outer_of[inner] = outer
    return bool(np.all(outer_of[inner] == outer))


def resampled_sums(sums: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Column totals of as many units drawn with replacement, (resamples, n_columns).

    Args:
        sums: Totals of each unit, (n_units, n_columns).
        resamples: Number of bootstrap samples.
        rng: Source of randomness.
    """
    distinct, multiplicity = _distinct_rows(sums)
    if distinct is not None:
        # The same law at a cost that does not depend on the number of units.
        shares = multiplicity / multiplicity.sum()
        counts = rng.multinomial(sums.shape[0], shares, size=resamples)
        return np.asarray(counts @ distinct, dtype=float)
    columns = [np.ascontiguousarray(column) for column in sums.T]
    totals = np.empty((resamples, len(columns)))
    for rows in chunks(resamples, sums.shape[0]):
        drawn = rng.integers(0, sums.shape[0], size=(rows.stop - rows.start, sums.shape[0]))
        for index, column in enumerate(columns):
            totals[rows, index] = column.take(drawn).sum(axis=1)
    return totals


def flipped_sums(sums: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Column totals of units that are in or out by the toss of a coin, (draws, n_columns).

    Args:
        sums: Totals of each unit, (n_units, n_columns).
        draws: Number of tosses of all coins.
        rng: Source of randomness.
    """
    distinct, multiplicity = _distinct_rows(sums)
    if distinct is not None:
        return np.asarray(rng.binomial(multiplicity, 0.5, size=(draws, len(distinct))) @ distinct)
    totals = np.empty((draws, sums.shape[1]))
    for rows in chunks(draws, sums.shape[0]):
        height = rows.stop - rows.start
        bits = np.frombuffer(rng.bytes(height * (-(-sums.shape[0] // 8))), dtype=np.uint8)
        coins = np.unpackbits(bits.reshape(height, -1), axis=1, count=sums.shape[0])
        totals[rows] = coins.astype(float) @ sums
    return totals


def resampled_counts(units: Units, draws: int, rng: np.random.Generator) -> Floats:
    """How often each unit is drawn, (draws, n_units); each stratum keeps its number of units."""
    counts = np.zeros((draws, len(units)))
    for stratum in range(units.n_strata):
        members = np.flatnonzero(units.stratum == stratum)
        drawn = rng.integers(0, members.size, size=(draws, members.size))
        drawn += members.size * np.arange(draws)[:, None]
        tally = np.bincount(drawn.ravel(), minlength=draws * members.size)
        counts[:, members] = tally.reshape(draws, members.size)
    return counts


def chunks(draws: int, width: int) -> Iterator[slice]:
    """Slices of ``range(draws)`` whose rows of ``width`` entries fit the memory budget."""
    height = max(1, CHUNK_ENTRIES // max(1, width))
    for start in range(0, draws, height):
        yield slice(start, min(start + height, draws))


def ratio(totals: Floats) -> Floats:
    """First over second of the last axis; NaN where the second is zero."""
    below = np.where(totals[..., 1] == 0, np.nan, totals[..., 1])
    return np.asarray(totals[..., 0] / below, dtype=float)


def _distinct_rows(sums: Floats) -> tuple[Floats | None, Integers]:
    """The distinct rows and how often each occurs; None for the rows when there are many."""
    look = 4 * MAX_DISTINCT
    # Few rows are drawn as fast as they are counted; where values are continuous, a look at some
    # of them spares sorting all.
    if sums.shape[0] <= look or len(np.unique(sums[:look], axis=0)) > MAX_DISTINCT:
        return None, np.empty(0, dtype=np.int64)
    distinct, multiplicity = np.unique(sums, axis=0, return_counts=True)
    return (distinct if len(distinct) <= MAX_DISTINCT else None), multiplicity
