"""Tie groups: all pairs of subjects on one metric, and the letters that say who is alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from evalsuite.compare.recomputed import JobRecords, Key
from evalsuite.compare.records import Difference, TieGroups
from evalsuite.statistics import compact_letters, holm


def tie_groups(
    label: str,
    key: Key,
    jobs: Sequence[JobRecords],
    difference: Callable[[JobRecords, JobRecords], Difference],
    alpha: float,
) -> TieGroups | None:
    """The tie groups of those subjects that have a value; None below two of them.

    Two whose difference has no p-value are not told apart.
    """
    have = [job for job in jobs if key in job.estimates and not _is_undefined(job, key)]
    if len(have) < 2:
        return None
    pairs = list(combinations(range(len(have)), 2))
    adjusted = holm([difference(have[a], have[b]).p_value for a, b in pairs])
    differs = np.zeros((len(have), len(have)), dtype=bool)
    for (first, second), p_value in zip(pairs, adjusted.tolist(), strict=True):
        differs[first, second] = differs[second, first] = p_value <= alpha
    best_first = sorted(range(len(have)), key=lambda place: _rank(have[place], key))
    found = compact_letters(differs[np.ix_(best_first, best_first)])
    letters = {have[place].subject: one for place, one in zip(best_first, found, strict=True)}
    return TieGroups(label, key[0], key[1], letters, int(np.sum(~np.isnan(adjusted))))


def _is_undefined(job: JobRecords, key: Key) -> bool:
    return math.isnan(job.estimates[key].value)


def _rank(job: JobRecords, key: Key) -> float:
    """Smaller for the better; the highest first where neither way is better."""
    estimate = job.estimates[key]
    if estimate.direction == "lower is better":
        return estimate.value
    if estimate.direction == "closer to null is better" and estimate.null is not None:
        return abs(estimate.value - estimate.null.value)
    return -estimate.value
