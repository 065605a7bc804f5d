"""Metrics as functions of sums over samples: what each row adds, in slices and in groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Summed, Table

Floats: TypeAlias = npt.NDArray[np.float64]


def ratio_columns(numerators: Floats, denominators: Floats | None = None) -> Floats:
    """What rows add to a mean or a ratio of sums, [rows, 2]; nothing where a value is missing."""
    below = np.ones(len(numerators)) if denominators is None else denominators
    kept = ~(np.isnan(numerators) | np.isnan(below))
    return np.stack([np.where(kept, numerators, 0.0), np.where(kept, below, 0.0)], axis=1)


def of_sums(totals: Floats) -> Floats:
    """First over second of sums (draws, 2), (draws,); NaN where the second is zero."""
    below = np.where(totals[:, 1] == 0, np.nan, totals[:, 1])
    return np.asarray(totals[:, 0] / below, dtype=float)


def largest_gap(totals: Floats) -> Floats:
    """Largest minus smallest ratio of pairs of sums (draws, 2 groups); NaN below two groups."""
    if totals.shape[1] < 4:
        return np.full(len(totals), np.nan)
    ratios = of_sums(totals.reshape(-1, 2)).reshape(len(totals), -1)
    return np.asarray(ratios.max(axis=1) - ratios.min(axis=1), dtype=float)


def columns_by_group(values: Floats, groups: npt.NDArray[Any]) -> tuple[Floats, tuple[str, ...]]:
    """What rows add to the mean of their group, [rows, groups and groups], and the groups' names.

    First a value under its group, then a one under its group; nothing where a value is missing.
    """
    names = np.array([str(group) for group in groups])
    known = sorted(set(names.tolist()))
    is_of = (names[:, None] == np.array(known)[None, :]) & ~np.isnan(values)[:, None]
    sums = np.where(is_of, np.nan_to_num(values)[:, None], 0.0)
    return np.concatenate([sums, is_of.astype(float)], axis=1), tuple(known)


def mean_of_group_means(totals: Floats) -> Floats:
    """Mean of the means of the groups that have rows, of sums (draws, 2 groups), (draws,)."""
    sums, counts = np.split(totals, 2, axis=1)
    seen = counts > 0
    means = np.where(seen, sums / np.where(seen, counts, 1.0), 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(means.sum(axis=1) / seen.sum(axis=1), dtype=float)


def slices_of(table: Table, by: str | None) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """The name and the rows of each slice by a column, as ``column=value``."""
    if by is None or by not in table.columns:
        return
    column = np.array([str(item) for item in table[by]])
    for value in sorted(set(column.tolist())):
        yield f"{by}={value}", column == value


def with_slices(whole: Summed, table: Table, by: str | None) -> Iterator[Summed]:
    """A whole and its slices, in which the other rows add nothing."""
    yield whole
    for label, rows in slices_of(table, by):
        yield replace(whole, slice=label, columns=np.where(rows[:, None], whole.columns, 0.0))


def scattered(columns: Floats, rows: npt.NDArray[np.bool_]) -> Floats:
    """Columns of some rows as columns of all, zeros elsewhere."""
    spread = np.zeros((len(rows), columns.shape[1]))
    spread[rows] = columns
    return spread


def pairs_by_group(
    columns: Floats, groups: npt.NDArray[Any], min_group_size: int
) -> dict[str, Floats]:
    """What rows add to the ratio of each group with at least so many rows that count."""
    names = np.array([str(group) for group in groups])
    counted = columns[:, 1] != 0
    found = {}
    for name in sorted(set(names[counted].tolist())):
        rows = (names == name) & counted
        if rows.sum() >= min_group_size:
            found[name] = np.where(rows[:, None], columns, 0.0)
    return found
