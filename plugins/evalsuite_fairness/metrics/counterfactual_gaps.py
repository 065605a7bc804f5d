"""How far exchanging the group of an identity cue moves scores and decisions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import (
    BootstrapDistribution,
    NullDistribution,
    bootstrap_distribution,
    permutation_null,
    sign_flip_null,
)
from evalsuite_fairness.metrics.exchange import Exchanges, Floats, excesses, wasserstein

SCORES, DECISIONS, REFUSALS = "_scores", "_decisions", "_refusals"
FLOOR = "the noise floor"
DEALS, SWAPS, REDRAWN = 1_000, 200, 500


@dataclass(frozen=True)
class CounterfactualGaps:
    """How far exchanging the group of a cue moves scores and decisions, beside the noise floor.

    - score gap: mean |s(x) - s(x′)| over pairs of cues of different groups (Huang et al. 2020).
    - flip rate: share of such pairs with different decisions (Garg et al. 2019).
    - refusal flip rate: share of such pairs of which the model refuses one only.
    - signed gap: mean of s with one group's cues minus that with another's.
    - Wasserstein distance of the scores with one group's cues from those with another's.

    Range [0, ∞), flips [0, 1], lower is fairer; signed gaps may be negative. "Beyond the noise
    floor" subtracts what exchanging cues of one group does. Its expectation is 0 when groups do
    not matter, whatever single cues do: it is half the energy distance of the groups' scores
    (Székely and Rizzo 2013).

    Intervals resample inputs, or whole clusters. Names differ for many reasons, so where the same
    ones are tried on every input (``deals_cues``) what depends on the group is also compared with
    cues dealt to groups at random: the null's margin reaches to the 97.5th percentile of these, or
    to ``margin`` where that is more; fewer than four cues a group can then hardly stand out.
    Elsewhere p-values flip the signs of inputs, or clusters.
    Undefined: the floor, and what uses it, where no group has two cues.

    Attributes:
        cues: Group of each cue, in the order of the columns of scores.
        clusters: Column of the resampling unit; inputs without it.
        margin: A gap that does not matter, in the unit of the scores.
        deals_cues: Whether cues are a few of many that could stand for their groups.
    """

    cues: tuple[str, ...]
    clusters: str | None = None
    margin: float = 0.01
    name: str = "score gap beyond the noise floor"
    deals_cues: bool = True
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Gaps of scores, flips of decisions, then each pair of groups."""
        scores, decisions = self._read(table, SCORES), self._read(table, DECISIONS)
        found = [*self._gaps(scores, "score gap", rng), *self._gaps(decisions, "flip rate", rng)]
        if REFUSALS in table.columns:
            found += self._refusals(self._read(table, REFUSALS), rng)
        for one, other in combinations(sorted(set(self.cues)), 2):
            if len(scores.scores):
                part = scores.between(one, other)
                found.append(self._signed(part, one, other, rng))
                found.append(self._distance(part, one, other, rng))
        return found

    def _read(self, table: Table, column: str) -> Exchanges:
        """The inputs for which every cue has a value."""
        values = np.stack([np.asarray(one, dtype=float) for one in table[column]])
        kept = ~np.isnan(values).any(axis=1)
        clusters = None
        if self.clusters is not None and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters][kept]])
        return Exchanges(values[kept], np.array(self.cues), clusters)

    def _gaps(self, of: Exchanges, name: str, rng: np.random.Generator) -> Iterator[Estimate]:
        """The excess over the floor, the gap across groups, and the floor within them."""
        beyond = f"{name} beyond {FLOOR}"
        is_primary = self.primary and beyond == self.name
        if not len(of.scores):
            reason = "no input has a value with every cue"
            yield undefined(beyond, reason, is_primary=is_primary)
            yield undefined(name, reason)
            return
        across, within = of.across(), of.within()
        if np.isnan(within).any():
            reason = "a group needs two cues: what exchanging these does is the noise floor"
            yield undefined(beyond, reason, n=len(across), is_primary=is_primary)
            yield self._made(name, across, of, rng, None)
            return
        excess = across - within
        dealt = self._dealt(of, rng) if self.deals_cues else self._flipped(excess, of, rng)
        reach = self._reach(dealt) if self.deals_cues else self.margin
        null = Null(0.0, reach, "above", "exchanging cues of one group does as much")
        facts = {"p_value": dealt.p_value(float(excess.mean()), "greater"), "null_sd": dealt.sd}
        yield replace(self._made(beyond, excess, of, rng, null, **facts), is_primary=is_primary)
        floor = Null(float(within.mean()), self.margin, "above", FLOOR)
        yield self._made(name, across, of, rng, floor)
        yield self._made(f"{name} within groups", within, of, rng, None)

    def _refusals(self, of: Exchanges, rng: np.random.Generator) -> Iterator[Estimate]:
        """As of decisions; a model that refuses everything treats all alike, and nobody well."""
        name = "refusal flip rate"
        if of.scores.size and of.scores.min() == 1.0:
            yield undefined(f"{name} beyond {FLOOR}", "every reply refuses", n=len(of.scores))
        else:
            yield from self._gaps(of, name, rng)

    def _dealt(self, of: Exchanges, rng: np.random.Generator) -> NullDistribution:
        """Excesses when cues are dealt to groups at random."""
        return permutation_null(
            excesses,
            of.mean_distances(),
            of.groups,
            rng=rng,
            permutations=DEALS,
            is_vectorised=True,
        )

    def _flipped(self, values: Floats, of: Exchanges, rng: np.random.Generator) -> NullDistribution:
        """Means when each input, or cluster of them, could as well have the other sign."""
        return sign_flip_null(values, rng=rng, clusters=of.clusters)

    def _reach(self, null: NullDistribution) -> float:
        """How far chance takes a statistic from 0, or the margin where that is more."""
        range_ = null.quantiles()
        bounds = [abs(bound) for bound in (range_.low, range_.high) if not math.isnan(bound)]
        return max(self.margin, *bounds)

    def _signed(self, of: Exchanges, one: str, other: str, rng: np.random.Generator) -> Estimate:
        """Mean score with one group's cues minus that with the other's."""
        differences = of.of_group(one).mean(axis=1) - of.of_group(other).mean(axis=1)
        value = float(differences.mean())
        facts: dict[str, Any] = {"lower with": other if value > 0 else one}
        null = Null(0.0, self.margin, why="the same score with either cue")
        if not self.deals_cues:
            chance = self._flipped(differences, of, rng)
            facts |= {"p_value": chance.p_value(value), "null_sd": chance.sd}
        elif len(of.groups) > 2:
            dealt = permutation_null(
                lambda values, labels: values[labels == one].mean() - values[labels != one].mean(),
                of.scores.mean(axis=0),
                of.groups,
                rng=rng,
                permutations=DEALS,
            )
            facts |= {"p_value": dealt.p_value(value), "null_sd": dealt.sd}
            null = Null(0.0, self._reach(dealt), why="cues dealt to groups at random")
        made = self._made("signed gap", differences, of, rng, null, **facts)
        label = f"groups={one} - {other}"
        return replace(made, slice=label, direction="closer to null is better")

    def _distance(self, of: Exchanges, one: str, other: str, rng: np.random.Generator) -> Estimate:
        """Wasserstein-1, beside its mean when the groups are exchanged in inputs at random."""
        first, second = of.of_group(one), of.of_group(other)
        value = wasserstein(first, second)
        swapped = []
        for _ in range(SWAPS if first.shape == second.shape else 0):
            swap = rng.random((len(first), 1)) < 0.5
            swapped.append(
                wasserstein(np.where(swap, second, first), np.where(swap, first, second))
            )
        units = np.arange(len(first)) if of.clusters is None else of.clusters
        names, codes = np.unique(units, return_inverse=True)
        members = [np.flatnonzero(codes == code) for code in range(len(names))]
        replicates = []
        for drawn in rng.integers(0, len(names), size=(REDRAWN, len(names))):
            rows = np.concatenate([members[unit] for unit in drawn])
            replicates.append(wasserstein(first[rows], second[rows]))
        few = "fewer than two units to resample" if len(names) < 2 else None
        spread = BootstrapDistribution(value, np.array(replicates), np.empty(0), len(names), few)
        chance = NullDistribution(np.array(swapped))
        null = Null(chance.mean, self.margin, "above", "mean when groups are exchanged at random")
        made = self._with_interval("Wasserstein distance of scores", spread, of, len(first))
        facts = {"p_value": chance.p_value(value, "greater"), "null_sd": chance.sd}
        return replace(
            made,
            slice=f"groups={one} - {other}",
            null=null if swapped else None,
            extra={**made.extra, **(facts if swapped else {})},
        )

    def _made(
        self,
        name: str,
        values: Floats,
        of: Exchanges,
        rng: np.random.Generator,
        null: Null | None,
        **extra: Any,
    ) -> Estimate:
        """The mean of a value of each input."""
        spread = bootstrap_distribution(values, rng=rng, clusters=of.clusters)
        spread = replace(spread, observed=float(values.mean()))
        made = self._with_interval(name, spread, of, len(values))
        return replace(made, null=null, extra={**made.extra, **extra})

    def _with_interval(
        self, name: str, spread: BootstrapDistribution, of: Exchanges, n: int
    ) -> Estimate:
        interval = spread.interval()
        return Estimate(
            name,
            spread.observed,
            interval.low,
            interval.high,
            method=interval.described,
            unit="input" if of.clusters is None else str(self.clusters),
            n=n,
            direction="lower is better",
            extra={"n_cues": len(of.groups)},
        )
