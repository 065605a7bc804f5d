"""What metrics of whole tables share: slices by a column, resampling units, and the estimate."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evalsuite import DataError, Estimate, Null, Table, undefined

if TYPE_CHECKING:
    import numpy.typing as npt

    from evalsuite.statistics import BootstrapDistribution

Direction = Literal["higher is better", "lower is better", "closer to null is better", "neither"]


@dataclass(frozen=True, kw_only=True)
class SlicedMetric:
    """Base: a subclass estimates one table in ``_one`` and may add slices of its own.

    Attributes:
        name: What the report calls the estimate.
        by: Column whose values give further, sliced estimates.
        clusters: Column of the resampling unit; rows are the unit without it.
        null: What there would be if there were nothing to find; most subclasses compute it.
        margin: Smallest departure from a computed null that matters, in the metric's own unit.
        direction: Which way is better.
        primary: Whether the scorecard shows it.
    """

    name: str = "score"
    by: str | None = None
    clusters: str | None = None
    null: Null | None = None
    margin: float = 0.0
    direction: Direction = "higher is better"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, then one estimate for each value of ``by``."""
        if table.n == 0:
            return [self._nothing("no sample was answered", "")]
        return [*self._estimates(table, rng, ""), *self._slices(table, rng)]

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        raise TypeError(f"{type(self).__name__} does not estimate")

    def _slices(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        if self.by is None or self.by not in table.columns:
            return
        column = np.array([str(item) for item in table[self.by]])
        for value in sorted(set(column)):
            yield self._estimates(table.where(column == value), rng, f"{self.by}={value}")[0]

    def _units(self, table: Table) -> npt.NDArray[np.str_] | None:
        """The cluster labels of a table's rows, or None."""
        if self.clusters is None or self.clusters not in table.columns:
            return None
        return np.array([str(item) for item in table[self.clusters]])

    def _made(
        self,
        distribution: BootstrapDistribution,
        table: Table,
        label: str,
        null: Null | None,
        **extra: float | int | str | None,
    ) -> Estimate:
        """An estimate with the percentile interval of a bootstrap distribution."""
        interval = distribution.interval()
        is_clustered = self._units(table) is not None
        return Estimate(
            metric=self.name,
            value=distribution.observed,
            low=interval.low,
            high=interval.high,
            level=interval.level,
            method=interval.method if interval.is_defined else f"no interval: {interval.reason}",
            unit=(self.clusters or "sample") if is_clustered else "sample",
            n=table.n,
            slice=label,
            direction=self.direction,
            null=self.null or null,
            is_primary=self.primary and not label,
            extra={name: value for name, value in extra.items() if value not in (0, None, "")},
        )

    def _nothing(self, reason: str, label: str, n: int = 0) -> Estimate:
        return undefined(
            self.name,
            reason,
            n=n,
            slice=label,
            direction=self.direction,
            null=self.null,
            is_primary=self.primary and not label,
        )


def is_given(value: Any) -> bool:
    """Whether a cell holds a value: neither None nor NaN."""
    return value is not None and value == value


def listed(value: Any, column: str) -> list[str]:
    """The list of texts in a cell that holds a JSON list.

    Raises:
        DataError: It holds anything else.
    """
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise DataError(
            f"Column {column!r} must hold lists of texts written as JSON, "
            f'e.g. ["one", "two"] (got {value!r}).'
        )
    return found


def written(items: Sequence[Any]) -> str:
    """A list of texts as one scalar of a record; what ``listed`` reads."""
    return json.dumps([str(item) for item in items], ensure_ascii=False)
