"""Scores of inputs that differ in an identity cue only, compared across and within groups.

Every input is scored with every cue, so that all comparisons are pairs of the same input. Pairs of
cues of one group are the noise floor: what exchanging a name does when no group changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.units import chunks

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Exchanges:
    """Scores of inputs with every cue.

    Attributes:
        scores: Of each input with each cue, (inputs, cues).
        groups: Group of each cue, (cues,).
        clusters: Label of the resampling unit of each input, (inputs,); None for inputs.
    """

    scores: Floats
    groups: Strings
    clusters: Strings | None = None

    def across(self) -> Floats:
        """Mean |difference| over pairs of cues of different groups, (inputs,)."""
        return self._over(pair_weights(self.groups, same=False))

    def within(self) -> Floats:
        """The same over pairs of cues of one group, (inputs,); NaN where no group has two."""
        return self._over(pair_weights(self.groups, same=True))

    def mean_distances(self) -> Floats:
        """Mean over inputs of |difference| between cues, (cues, cues)."""
        return np.asarray(sum(part.sum(axis=0) for part in self._distances()) / len(self.scores))

    def between(self, one: str, other: str) -> Exchanges:
        """The cues of two groups only."""
        kept = np.isin(self.groups, (one, other))
        return Exchanges(self.scores[:, kept], self.groups[kept], self.clusters)

    def of_group(self, name: str) -> Floats:
        """Scores with the cues of one group, (inputs, cues of the group)."""
        return self.scores[:, self.groups == name]

    def _over(self, weights: Floats) -> Floats:
        return np.concatenate([(part * weights).sum(axis=(1, 2)) for part in self._distances()])

    def _distances(self) -> Iterator[Floats]:
        """|s(x with cue i) - s(x with cue j)|, (some inputs, cues, cues) at a time."""
        for rows in chunks(len(self.scores), len(self.groups) ** 2):
            part = self.scores[rows]
            yield np.abs(part[:, :, None] - part[:, None, :])


def pair_weights(groups: npt.ArrayLike, *, same: bool) -> Floats:
    """Weights (cues, cues) that make a mean over pairs of cues within, or across, groups.

    Pairs of groups count equally, and so do the pairs of cues in each; a cue is no pair with
    itself. NaN where there is no such pair.
    """
    labels = np.asarray(groups)
    names = sorted(set(labels.tolist()))
    weights = np.zeros((len(labels), len(labels)))
    n_blocks = 0
    for one, other in [(name, name) for name in names] if same else combinations(names, 2):
        block = np.outer(labels == one, labels == other) & ~np.eye(len(labels), dtype=bool)
        if block.any():
            weights += block / block.sum()
            n_blocks += 1
    return weights / n_blocks if n_blocks else np.full_like(weights, math.nan)


def excesses(distances: Floats, labels: Strings) -> Floats:
    """Mean distance across groups minus that within, (draws,), of labellings (draws, cues).

    What ``pair_weights`` gives for one labelling, for many at once; ``distances`` are (cues, cues)
    with zeros between a cue and itself.
    """
    names = np.unique(labels)
    is_of = (labels[:, :, None] == names).astype(float)
    sums = np.swapaxes(is_of, 1, 2) @ distances @ is_of
    counts = is_of.sum(axis=1)
    across = [
        sums[:, one, other] / (counts[:, one] * counts[:, other])
        for one, other in combinations(range(len(names)), 2)
    ]
    # Every labelling has the same counts; a group with one cue has no pair within.
    within = [
        sums[:, one, one] / (counts[:, one] * (counts[:, one] - 1))
        for one in range(len(names))
        if counts[0, one] > 1
    ]
    return np.asarray(np.mean(across, axis=0) - np.mean(within, axis=0))


def wasserstein(first: Floats, second: Floats) -> float:
    """Earth mover's distance between two sets of scores, in the scores' own unit.

    Formula: ∫ |F(s) - G(s)| ds. Range [0, ∞), lower is fairer; it compares sets, not pairs, so
    changes that cancel are not seen, and it lies above 0 by chance. Undefined: an empty set (NaN).
    Reference: Jiang et al. 2020, UAI; Huang et al. 2020, EMNLP findings.
    """
    if not first.size or not second.size:
        return math.nan
    points = np.sort(np.concatenate([first.ravel(), second.ravel()]))
    below = [
        np.searchsorted(np.sort(side.ravel()), points[:-1], side="right") / side.size
        for side in (first, second)
    ]
    return float(np.sum(np.abs(below[0] - below[1]) * np.diff(points)))
