"""How far the whole distribution of a group's scores is from everyone else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import wasserstein_distance

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.sliced import Floats
from evalsuite.statistics import permutation_null


@dataclass(frozen=True)
class GroupDistance:
    """Largest Wasserstein-1 distance between a group's scores and those of all other groups.

    Range [0, inf), in the scores' unit; for two groups the distance between them. Unlike a gap of
    means it sees that one group gets both the best and the worst. It lies above 0 by chance: the
    null is its mean when groups are permuted among rows or whole clusters, and ``extra`` has the
    p-value. Undefined: fewer than two groups of ``min_group_size``.
    Reference: Huang et al. 2020 (1911.03064), Jiang et al. 2020 (strong demographic parity).

    Attributes:
        column: The scores.
        group: Column that tells groups apart.
        name: What the report calls it.
        min_group_size: Groups with fewer rows are left out.
        clusters: Column of the unit that is permuted whole.
        permutations: Number of random permutations.
    """

    column: str
    group: str
    name: str
    min_group_size: int = 30
    clusters: str | None = None
    permutations: int = 200
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        values = table.numbers(self.column)
        groups = np.array([str(item) for item in table[self.group]])
        given = np.isfinite(values)
        names, sizes = np.unique(groups[given], return_counts=True)
        kept = given & np.isin(groups, names[sizes >= self.min_group_size])
        if len(set(groups[kept])) < 2:
            return [undefined(self.name, "fewer than two groups to compare")]
        clusters = None
        if self.clusters and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters][kept]])
        null = permutation_null(
            lambda scores, labels: _furthest(scores, labels)[0],
            values[kept],
            groups[kept],
            rng=rng,
            permutations=self.permutations,
            clusters=clusters,
        )
        value, furthest = _furthest(values[kept], groups[kept])
        why = "mean distance when groups are permuted"
        return [
            Estimate(
                self.name,
                value,
                n=int(kept.sum()),
                method="no interval; permutation test",
                unit=(self.clusters or "sample") if clusters is not None else "sample",
                direction="lower is better",
                null=Null(null.mean, side="above", why=why),
                is_primary=self.primary,
                extra={"furthest_group": furthest, "p_value": null.p_value(value, "greater")},
            )
        ]


def _furthest(values: Floats, labels: npt.NDArray[np.str_]) -> tuple[float, str]:
    found = [
        (float(wasserstein_distance(values[labels == name], values[labels != name])), str(name))
        for name in np.unique(labels)
    ]
    return max(found)
