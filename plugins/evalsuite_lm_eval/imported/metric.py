"""From logged values to estimates: recomputed and resampled, or as published."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from evalsuite import Estimate, Summed, Table, undefined
from evalsuite_lm_eval.aggregation import (
    CHANCE_METRICS,
    NEVER_DEFINED,
    direction_of,
    estimate_of,
)
from evalsuite_lm_eval.sums import summed_of

# The transient column of all values of a document; lists fit no other.
VALUES = "_logged values"
# Recomputed from JSON's decimal digits, a number agrees to about 1e-12.
SAME = 1e-6
NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class PublishedNumbers:
    """Every metric of a logged task.

    The value is recomputed from the log's samples and must agree with the published one to 1e-6;
    then its interval resamples documents. Otherwise the published value stands, with the normal
    interval of the published standard error, or none.
    """

    published: tuple[Mapping[str, Any], ...]
    n_documents: int
    name: ClassVar[str] = "imported"
    primary: ClassVar[bool] = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate for each number of the log; its first is the primary one."""
        values: list[Mapping[str, Any]] = list(table[VALUES])
        if not self.published:
            return [undefined(self.name, "the log has no metric for this task", is_primary=True)]
        return [
            replace(self._one(facts, values, table, rng), is_primary=position == 0)
            for position, facts in enumerate(self.published)
        ]

    def summed(self, table: Table) -> Iterator[Summed]:
        """How those numbers follow from sums that do, and that the log's samples reproduce."""
        values: list[Mapping[str, Any]] = list(table[VALUES])
        for facts in self.published:
            items = [row.get(facts["column"]) for row in values]
            for aggregation in _aggregations(facts["aggregations"]):
                made = summed_of(facts["name"], items, aggregation)
                if made is not None and _agrees(made.value, facts["value"]):
                    yield made
                    break

    def _one(
        self,
        facts: Mapping[str, Any],
        values: Sequence[Mapping[str, Any]],
        table: Table,
        rng: np.random.Generator,
    ) -> Estimate:
        column = facts["column"]
        items = [row[column] for row in values if row.get(column) is not None]
        direction = direction_of(facts["higher_is_better"])
        for aggregation in _aggregations(facts["aggregations"]) if items else ():
            value = _value(aggregation, items)
            if value is None or not _agrees(value, facts["value"]):
                continue
            return estimate_of(
                facts["name"],
                items,
                aggregation,
                rng,
                direction=direction,
                null=_null_of(column, table),
                n_without_value=len(values) - len(items),
            )
        return self._as_published(facts, direction, bool(items))

    def _as_published(self, facts: Mapping[str, Any], direction: Any, has_items: bool) -> Estimate:
        value, stderr = facts["value"], facts["stderr"]
        why = "its samples do not reproduce it" if has_items else "the log has no samples of it"
        if value is None or not math.isfinite(value):
            return undefined(facts["name"], "the log has no number", direction=direction)
        told = {"unit": "document", "n": self.n_documents, "direction": direction}
        if stderr is None or not math.isfinite(stderr):
            return Estimate(
                facts["name"], value, method=f"as published; no interval: {why}", **told
            )
        half = NORMAL_975 * stderr
        method = f"as published, normal interval from its standard error: {why}"
        return Estimate(facts["name"], value, value - half, value + half, method=method, **told)


def _aggregations(names: Sequence[str]) -> Iterator[Callable[..., Any]]:
    """The harness's functions of these names; ``metric:NAME`` is the default of a metric."""
    from lm_eval.api import registry

    for name in names:
        metric = name.removeprefix("metric:")
        known = registry.metric_agg_registry if metric != name else registry.aggregation_registry
        if metric in known:
            yield known.get(metric)


def _value(aggregation: Callable[..., Any], items: Sequence[Any]) -> float | None:
    try:
        value = float(aggregation(items))
    except NEVER_DEFINED:
        return None
    return value if math.isfinite(value) else None


def _agrees(value: float, published: float | None) -> bool:
    """A log that was cut short publishes nothing; then its samples speak."""
    return published is None or math.isclose(value, published, rel_tol=SAME, abs_tol=SAME)


def _null_of(column: str, table: Table) -> Any:
    from evalsuite import Null

    if column.rpartition(",")[0] not in CHANCE_METRICS or "chance" not in table.columns:
        return None
    levels = table.numbers("chance")
    if np.isnan(levels).any():
        return None
    return Null(float(levels.mean()), why="guessing among the choices")
