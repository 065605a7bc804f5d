"""The last resort: two estimates whose samples cannot be resampled together."""

from __future__ import annotations

from evalsuite.compare.records import Difference, Subject
from evalsuite.metric import Estimate
from evalsuite.statistics import (
    Interval,
    minimum_detectable,
    p_value_of,
    square_and_add,
    units_needed,
)
from evalsuite.store import JobResult

NORMAL_975 = 1.959963984540054


def from_intervals(
    job: JobResult, before: Estimate, after: Estimate, baseline: Subject, candidate: Subject
) -> Difference:
    """The difference of two estimates by their own intervals, as if they shared no sample."""
    intervals = [Interval(e.low, e.high, e.level, e.method) for e in (before, after)]
    interval = square_and_add(before.value, intervals[0], after.value, intervals[1])
    value, n_units = after.value - before.value, min(before.n, after.n)
    standard_error = interval.width / (2 * NORMAL_975)
    return Difference(
        label=job.label,
        probe=job.probe,
        family=job.family,
        metric=before.metric,
        slice=before.slice,
        direction=before.direction,
        baseline=baseline,
        candidate=candidate,
        baseline_value=before.value,
        candidate_value=after.value,
        value=value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        method=interval.method,
        test="normal, from the interval",
        unit=before.unit,
        n=n_units,
        n_units=n_units,
        p_value=p_value_of(value, interval),
        minimum_detectable=minimum_detectable(standard_error),
        n_needed=units_needed(value, standard_error, n_units),
        is_primary=before.is_primary and after.is_primary,
        reason=before.reason or after.reason or interval.reason,
        extra={} if before.null is None else {"null": before.null.value},
    )
