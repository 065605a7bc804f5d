"""Gaps between groups that are compared on the same mix of material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, GroupRatioGap, Table
from evalsuite.sliced import Floats
from evalsuite.statistics import GroupGap as GroupGapResult
from evalsuite.statistics import group_gap


@dataclass(frozen=True)
class MatchedRatioGap(GroupRatioGap):
    """Largest minus smallest group ratio after matching and direct standardisation.

    Rows are compared only within strata (the same text, a similar duration) in which every group
    that is big enough has rows: exact or coarsened exact matching. With R_gc the ratio of group g
    in stratum c and w_c the share of all matched denominators in it, a group's value is
    sum_c w_c R_gc: what it would get on the mix that all groups share. Range [0, inf); lower is
    fairer. Strata that a resample leaves empty for a group are left out of its sum. Undefined:
    fewer than two groups of ``min_group_size`` matched rows.
    Reference: Iacus, King and Porro 2012, Political Analysis 20 (coarsened exact matching);
    Koenecke et al. 2020, PNAS 117 (matched comparison of error rates).

    Attributes:
        strata: Column of the stratum; rows without one are not matched.
    """

    strata: str = "stratum"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The gap with what share of the rows was matched, then the value of every group."""
        is_matched = self._is_matched(table)
        first, *groups = super().estimate(table, rng)
        n_strata = len(set(table[self.strata][is_matched]))
        share = float(is_matched.mean()) if is_matched.size else 0.0
        extra = {**first.extra, "strata": n_strata, "matched_share": share}
        return [replace(first, n=int(is_matched.sum()), extra=extra), *groups]

    def _gap(self, table: Table, rng: np.random.Generator) -> tuple[GroupGapResult, Any]:
        is_matched = self._is_matched(table)
        clusters = self._clusters(table, is_matched)
        strata = np.array([str(item) for item in table[self.strata][is_matched]])
        codes = np.unique(strata, return_inverse=True)[1]
        above = table.numbers(self.numerator)[is_matched]
        below = table.numbers(self.denominator)[is_matched]
        result = group_gap(
            np.stack([above, below, codes], axis=1),
            np.array([str(item) for item in table[self.group][is_matched]]),
            _Standardised(_shares(below, codes)),
            rng=rng,
            clusters=clusters,
            higher_is_worse=self.higher_is_worse,
            min_group_size=self.min_group_size,
        )
        return result, clusters

    def _is_matched(self, table: Table) -> npt.NDArray[np.bool_]:
        """Rows of big groups in strata that have rows of each of these groups."""
        is_complete = np.isfinite(table.numbers(self.numerator))
        is_complete &= np.isfinite(table.numbers(self.denominator))
        is_complete &= np.array([stratum is not None for stratum in table[self.strata]], bool)
        groups = np.array([str(item) for item in table[self.group]])
        strata = np.array([str(item) for item in table[self.strata]])
        names, sizes = np.unique(groups[is_complete], return_counts=True)
        big = names[sizes >= self.min_group_size]
        is_kept = is_complete & np.isin(groups, big)
        present: dict[str, set[str]] = {}
        for stratum, group in zip(strata[is_kept].tolist(), groups[is_kept].tolist()):
            present.setdefault(stratum, set()).add(group)
        shared = [stratum for stratum, found in present.items() if len(found) == len(big)]
        return np.asarray(is_kept & np.isin(strata, shared))


def _shares(below: Floats, codes: npt.NDArray[np.int64]) -> Floats:
    """The share of each stratum in all denominators, [strata]."""
    totals = np.bincount(codes, below)
    return np.asarray(totals / totals.sum() if totals.sum() > 0 else totals, dtype=float)


@dataclass(frozen=True)
class _Standardised:
    """A weighted statistic: ratios of strata, averaged with fixed shares.

    Attributes:
        shares: The share of each stratum, [strata].
    """

    shares: Floats

    def __call__(self, values: npt.NDArray[Any], counts: Floats) -> Floats:
        """Rows of numerator, denominator and stratum, counts [draws, rows]; returns [draws]."""
        is_in = (values[:, 2].astype(int)[:, None] == np.arange(len(self.shares))).astype(float)
        above, below = (counts @ (is_in * values[:, [k]]) for k in (0, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(below > 0, above / below, 0.0)
            shares = np.where(below > 0, self.shares, 0.0)
            return np.asarray((ratios * shares).sum(axis=1) / shares.sum(axis=1), dtype=float)
