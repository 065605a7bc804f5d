"""The estimates of one job as functions of its samples, so that they can be resampled."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from evalsuite.compare.measured import Measured, estimates_of
from evalsuite.compare.records import Subject
from evalsuite.compare.tables import Samples, replayed_table, stored_samples
from evalsuite.factories import make_metric, make_probe
from evalsuite.metric import Counted, Estimate, Metric, Summed, Table
from evalsuite.registry import installed
from evalsuite.statistics import generator, only_values
from evalsuite.store import JobResult, Run

Key: TypeAlias = tuple[str, str]
Form: TypeAlias = Summed | Counted | None
Way: TypeAlias = Callable[[Metric, Table], Mapping[Key, tuple[float, Form]]]
# A value that comes out of the stored records as it was stored; JSON keeps all digits.
SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Recomputed:
    """How one estimate follows from the records.

    Attributes:
        metric: What computes it.
        table: The records that it reads, answered samples in source order.
        slice, resampled: Of the stored estimate, and the unit of its own interval.
        form: As a function of sums, or of how often each row occurs, where it is one.
    """

    metric: Metric
    table: Table
    slice: str = ""
    resampled: str = ""
    form: Form = None

    @property
    def summed(self) -> Summed | None:
        """As a function of sums; None where it is none."""
        return self.form if isinstance(self.form, Summed) else None

    @property
    def unit(self) -> str | None:
        """Column of the rows that are drawn together; None where each is drawn alone."""
        declared = (getattr(self.metric, name, None) for name in ("drawn_by", "clusters"))
        for column in (*declared, self.resampled):
            if isinstance(column, str) and column in self.table.columns:
                # A slice of one unit has nothing but its rows to draw.
                return None if self.slice.startswith(f"{column}=") else column
        return None


class JobRecords:
    """One job of one subject, read from disk when it is first needed."""

    def __init__(self, one: Measured, label: str) -> None:
        """Take the job with this label."""
        self.subject: Subject = one.subject
        self.run: Run = one.run
        self.result: JobResult = one.results[label]
        self.estimates: dict[Key, Estimate] = estimates_of(self.result)
        self.replicates: dict[Any, Any] = {}

    @cached_property
    def samples(self) -> Samples:
        """Its samples as stored."""
        return stored_samples(self.run, self.result)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """What computed its estimates; nothing where a plugin is gone."""
        try:
            registry = installed()
            probe = make_probe(self.result.probe, self.result.options, registry)
            planned = (j for j in self.run.plan.get("jobs", ()) if j["id"] == self.result.id)
            extra = [make_metric(m, registry) for j in planned for m in j["metrics"]]
            return (*probe.metrics, *extra)
        except Exception:  # noqa: BLE001  whatever is gone, the stored estimates remain
            return ()

    @cached_property
    def recomputed(self) -> dict[Key, Recomputed]:
        """Its estimates that come out of its records as they were stored, by metric and slice.

        Sums and counts first; then, while a primary estimate is missing, metrics computed whole;
        then all of that on the records that are made anew from the stored answers.
        """
        found: dict[Key, Recomputed] = {}
        for is_stored in (True, False):
            for way in (sums_of, counts_of, values_of):
                if found and not self._lacks(found):
                    return found
                table = self.samples.table if is_stored else self._whole
                if table is None:
                    return found
                for metric in self.metrics:
                    made = self._of(metric, table, way)
                    found |= {key: one for key, one in made if key not in found}
        return found

    @cached_property
    def _whole(self) -> Table | None:
        return replayed_table(self.run, self.result, self.samples.answered)

    def _lacks(self, found: Mapping[Key, Recomputed]) -> bool:
        """Whether a primary estimate that has a value is not among those found."""
        return any(
            e.is_primary and not math.isnan(e.value) and key not in found
            for key, e in self.estimates.items()
        )

    def _of(self, metric: Metric, table: Table, of: Way) -> Iterator[tuple[Key, Recomputed]]:
        for key, (value, form) in of(metric, table).items():
            if self._is_same(key, value):
                yield key, Recomputed(metric, table, key[1], self.estimates[key].unit, form)

    def _is_same(self, key: Key, value: float) -> bool:
        stored = self.estimates.get(key)
        return stored is not None and math.isclose(stored.value, value, rel_tol=SAME, abs_tol=SAME)


def sums_of(metric: Metric, table: Table) -> dict[Key, tuple[float, Form]]:
    """The estimates of a metric that follow from sums; none where it does not say."""
    if not hasattr(metric, "summed") or not table.n:
        return {}
    try:
        return {(s.metric, s.slice): (s.value, s) for s in metric.summed(table)}
    except Exception:  # noqa: BLE001  a stranger's metric, or a column that is not stored
        return {}


def counts_of(metric: Metric, table: Table) -> dict[Key, tuple[float, Form]]:
    """The estimates of a metric that follow from how often each row occurs."""
    if not hasattr(metric, "counted") or not table.n:
        return {}
    try:
        counted: Counted | None = metric.counted(table)
        values = [] if counted is None else counted.values.tolist()
    except Exception:  # noqa: BLE001  a stranger's metric, or a column that is not stored
        return {}
    return {} if counted is None else {k: (v, counted) for k, v in zip(counted.keys, values)}


def values_of(metric: Metric, table: Table) -> dict[Key, tuple[float, Form]]:
    """Every estimate of a metric without its interval; none where it cannot be computed."""
    if not table.n:
        return {}
    try:
        with only_values():
            made = metric.estimate(table, generator(0, "values", metric.name))
        return {(e.metric, e.slice): (float(e.value), None) for e in made}
    except Exception:  # noqa: BLE001  a stranger's metric, or a column that is not stored
        return {}
