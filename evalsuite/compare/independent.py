"""The last resort: two estimates whose samples cannot be resampled together."""

from __future__ import annotations

import math

from evalsuite.compare.recomputed import JobRecords, Key
from evalsuite.compare.records import Difference
from evalsuite.statistics import (
    Interval,
    minimum_detectable,
    p_value_of,
    square_and_add,
    standard_error_of,
    units_needed,
)


def from_intervals(
    baseline: JobRecords, candidate: JobRecords, key: Key, alpha: float
) -> Difference:
    """The difference of two estimates by their own intervals, as if they shared no sample."""
    before, after = baseline.estimates[key], candidate.estimates[key]
    intervals = [Interval(e.low, e.high, e.level, e.method) for e in (before, after)]
    interval = square_and_add(before.value, intervals[0], after.value, intervals[1])
    value, n_units = after.value - before.value, min(before.n, after.n)
    standard_error = standard_error_of(interval)
    why = [f"{job.subject}: {e.reason}" for job, e in ((baseline, before), (candidate, after))]
    missing = [w for w, e in zip(why, (before, after), strict=True) if math.isnan(e.value)]
    return Difference(
        label=baseline.result.label,
        probe=baseline.result.probe,
        family=baseline.result.family,
        metric=before.metric,
        slice=before.slice,
        direction=before.direction,
        baseline=baseline.subject,
        candidate=candidate.subject,
        baseline_value=before.value,
        candidate_value=after.value,
        value=value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        method=interval.method if interval.is_defined else "",
        test="normal, from the interval" if interval.is_defined else "",
        unit=before.unit,
        n=n_units,
        n_units=n_units,
        p_value=p_value_of(value, interval),
        minimum_detectable=minimum_detectable(standard_error, alpha=alpha),
        n_needed=units_needed(value, standard_error, n_units, alpha=alpha),
        is_primary=before.is_primary and after.is_primary,
        reason="; ".join(missing) or interval.reason,
        extra={} if before.null is None else {"null": before.null.value},
    )
