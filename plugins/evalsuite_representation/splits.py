"""Which samples are learned from and which are tested, so that nothing tested was learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """Row numbers of one round: learn from ``train``, classify ``test``."""

    train: Integers
    test: Integers


def units_of(*labellings: Sequence[str]) -> Integers:
    """Number the sets of rows that must stay together, (n,), from 0.

    Rows belong together when they share a label in any of the labellings (a speaker, the digest
    of a picture), or when a chain of such rows joins them.
    """
    n_rows = len(labellings[0])
    rows, columns, offset = [], [], n_rows
    for labels in labellings:
        names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
        rows.append(np.arange(n_rows))
        columns.append(offset + codes)
        offset += len(names)
    ends = (np.concatenate(rows), np.concatenate(columns))
    joined = coo_array((np.ones(len(ends[0])), ends), shape=(offset, offset))
    found = connected_components(joined, directed=False)[1][:n_rows]
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def stratified_folds(
    labels: npt.NDArray[np.str_], units: Integers, n_folds: int, rng: np.random.Generator
) -> Integers:
    """The fold of each row, (n,): units whole, classes spread as evenly as units allow.

    Units are placed in random order, the largest first, each in the fold that has least of its
    classes, then in the one that has fewest rows. Where every row is a unit of its own, the
    counts of a class in two folds differ by one at most.
    """
    names, codes = np.unique(labels, return_inverse=True)
    counts = np.zeros((int(units.max(initial=-1)) + 1, len(names)))
    np.add.at(counts, (units, codes), 1)
    shares = counts / np.maximum(1, counts.sum(axis=0))
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]
    held = np.zeros((n_folds, len(names)))
    fold_of_unit = np.zeros(len(counts), dtype=np.int64)
    for unit in order:
        crowding = held @ shares[unit]
        fold = int(np.lexsort((held.sum(axis=1), crowding))[0])
        fold_of_unit[unit] = fold
        held[fold] += counts[unit]
    return fold_of_unit[units]


def fold_parts(folds: Integers) -> Iterator[Part]:
    """One round for each fold that holds rows: test it, learn from the others."""
    for fold in np.unique(folds):
        yield Part(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))


def declared_part(is_train: npt.NDArray[np.bool_], units: Integers) -> Part:
    """The round that the data declare, without training rows whose unit is tested."""
    test = np.flatnonzero(~is_train)
    leaking = np.isin(units, units[test])
    return Part(np.flatnonzero(is_train & ~leaking), test)


def balanced_shots(
    labels: npt.NDArray[np.str_], most: int, rng: np.random.Generator
) -> dict[str, Integers]:
    """Up to ``most`` row numbers of each class in random order; their first k are k shots.

    Fewer shots are thus a part of more, so that accuracies differ by shots and not by luck.
    """
    order = rng.permutation(len(labels))
    return {
        str(name): order[labels[order] == name][:most].astype(np.int64)
        for name in np.unique(labels)
    }
