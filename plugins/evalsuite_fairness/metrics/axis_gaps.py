"""The same gap along several axes (gender, age, accent), told how many were looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, GroupRatioGap, Table
from evalsuite.sliced import is_given
from evalsuite_fairness.metrics.corrected import Corrected


@dataclass(frozen=True)
class AxisGaps:
    """A gap between groups along each of several axes, with p-values adjusted over the axes.

    Each axis is a slice ``axis=gender``, followed by its groups. ``extra`` holds the permutation
    p-value, and ``p_adjusted`` by Benjamini and Hochberg. Rows without an entry on an axis take
    no part in its gap. Undefined axes say why.

    Attributes:
        gap: The gap; its own ``group`` is replaced by each axis.
        axes: Columns that tell groups apart.
        name: What the report calls the gaps.
    """

    gap: GroupRatioGap
    axes: tuple[str, ...]
    name: str = "gap by axis"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate for each axis, and one for each of its groups."""
        axes = [axis for axis in self.axes if axis in table.columns]
        return Corrected(_Gaps(self.gap, tuple(axes), self.name)).estimate(table, rng)


@dataclass(frozen=True)
class _Gaps:
    gap: GroupRatioGap
    axes: tuple[str, ...]
    name: str

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        return [found for axis in self.axes for found in self._of_axis(axis, table, rng)]

    def _of_axis(self, axis: str, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        told = np.array([is_given(item) and item != "" for item in table[axis]], dtype=bool)
        gap, *groups = replace(self.gap, group=axis, primary=False).estimate(table.where(told), rng)
        yield replace(gap, metric=self.name, slice=f"axis={axis}")
        for group in groups:
            yield replace(group, metric=f"{group.metric} by axis")
