"""All gaps between groups in one forest and one table, adjusted for how many there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from evalsuite.metric import Estimate
from evalsuite.report.forest import Forest
from evalsuite.report.section import Section, Table
from evalsuite.report.wording import interval, null, number, visible
from evalsuite.statistics import benjamini_hochberg
from evalsuite.store import JobResult

MAX_ROWS = 40
_ABOUT = (
    "The largest difference between two groups, for every probe of fairness that compares groups "
    "by a rate. A gap is never negative, so that it is judged against what permuted groups give "
    "(the line, with the margin that does not matter around it), not against 0. The table names "
    "the groups; the last column is the permutation p-value, adjusted by Benjamini and Hochberg "
    "for the gaps of the same model. Gaps of different probes are not to be added or averaged."
)
_COLUMNS = ("Model", "Probe", "Metric", "Gap", "95 % interval", "Null", "Worst group",
            "Best group", "p", "p, adjusted")  # fmt: skip


def gaps(results: Sequence[JobResult]) -> list[Section]:
    """The section, or none where fewer than two gaps were measured."""
    found = list(_found(results))
    if len(found) < 2:
        return []
    adjusted = _adjusted(found)
    rows = tuple(
        (*_told(result, estimate), number(p_value))
        for (result, estimate), p_value in zip(found, adjusted, strict=True)
    )
    shown = [(str(visible(f"{r.model} · {r.label}")), e) for r, e in found[:MAX_ROWS]]
    table = Table("Gaps between groups", _COLUMNS, rows)
    plots = (Forest("Gaps between groups", shown),)
    return [Section("Gaps between groups", (_ABOUT,), (table,), plots, family="fairness")]


def _found(results: Iterable[JobResult]) -> Iterator[tuple[JobResult, Estimate]]:
    """The primary gap of every job that names its worst group."""
    for result in results:
        if result.family != "fairness" or result.variant:
            continue
        for estimate in result.estimates:
            if estimate.is_primary and estimate.extra.get("worst_group") is not None:
                yield result, estimate


def _adjusted(found: Sequence[tuple[JobResult, Estimate]]) -> list[float]:
    """Adjusted p-values in order, over the gaps of each model; NaN where there is no p-value."""
    adjusted = [math.nan] * len(found)
    for model in dict.fromkeys(result.model for result, _ in found):
        places = [place for place, (result, _) in enumerate(found) if result.model == model]
        values = benjamini_hochberg([_p_value(found[place][1]) for place in places])
        for place, value in zip(places, values.tolist(), strict=True):
            adjusted[place] = value
    return adjusted


def _p_value(estimate: Estimate) -> float:
    value = estimate.extra.get("p_value")
    return float(value) if isinstance(value, int | float) else math.nan


def _told(result: JobResult, estimate: Estimate) -> tuple[str, ...]:
    return (
        result.model,
        result.label,
        estimate.metric,
        number(estimate.value),
        interval(estimate),
        null(estimate),
        str(estimate.extra.get("worst_group") or ""),
        str(estimate.extra.get("best_group") or ""),
        number(_p_value(estimate)),
    )
