"""How much further apart members of different groups are than members of the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalsuite import Null, Table
from evalsuite.sliced import Direction, Floats, TotalsMetric


@dataclass(frozen=True, kw_only=True)
class ExcessDistance(TotalsMetric):
    """Mean of one column minus the mean of another: a distance beyond its noise floor.

    Distances are never negative, so that any two images differ a little whoever is in them; the
    floor is what pairs of the same group give. Range [-1, 1] for distances in [0, 1]; 0 where
    groups make no difference. Undefined: no distance, or no floor.

    Attributes:
        distance: Column of distances between groups.
        floor: Column of distances within groups.
    """

    distance: str
    floor: str
    direction: Direction = "lower is better"

    def columns_of(self, table: Table) -> Floats:
        """Both distances where there are, 0 elsewhere, and how many there are."""
        found = []
        for name in (self.distance, self.floor):
            values = table.numbers(name) if name in table.columns else np.full(table.n, np.nan)
            found += [np.nan_to_num(values), np.isfinite(values).astype(float)]
        return np.stack(found, axis=1)

    def score(self, totals: Floats) -> Floats:
        """The difference of both means."""
        distances, n_distances, floors, n_floors = totals.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(distances / n_distances - floors / n_floors)

    def null_of(self, table: Table) -> Null:
        """As far apart as members of the same group."""
        del table
        return Null(0.0, self.margin, "above", "as far apart as pairs of the same group")

    @property
    def why_undefined(self) -> str:
        """One of both is missing."""
        return "no pair of the same group tells how far apart answers are by chance"
