"""Which estimates of a run a rule means, and what the run has instead where it means none."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from evalsuite.errors import UsageError
from evalsuite.metric import Estimate
from evalsuite.policy import Rule
from evalsuite.store import JobResult, Run

MEASURED = frozenset({"finished", "partial"})


@dataclass(frozen=True)
class Selected:
    """One estimate that a rule means, or a job that should have had one, and why it has not."""

    result: JobResult
    estimate: Estimate | None = None
    lack: Literal["", "missing", "not applicable"] = ""
    why: str = ""


def results_of(run: Run) -> list[JobResult]:
    """Every job of the run; those that it planned and never recorded are ``pending``."""
    known = {result.id for result in run.results}
    planned = [job for job in run.plan.get("jobs", ()) if job["id"] not in known]
    return [*run.results, *(_pending(job) for job in planned)]


def _pending(job: Mapping[str, Any]) -> JobResult:
    return JobResult(
        id=job["id"],
        model=job["model"],
        probe=job["probe"],
        family=job["family"],
        source=job["source"],
        label=job["label"],
        status="pending",
    )


def select(rule: Rule, results: Sequence[JobResult], where: str) -> list[Selected]:
    """What a rule means, in the run's order.

    A job lacks the estimate where it failed, where nothing of it is defined, or where another
    model has the estimate under the same label; a probe without such a metric is not meant.

    Raises:
        UsageError: The rule means nothing; the text names what is close.
    """
    jobs = [r for r in results if _is_job(rule, r)]
    expected = {r.label for r in jobs if any(_meant(rule, r))}
    selected = [item for r in jobs for item in _of_job(rule, r, r.label in expected)]
    if not selected:
        raise UsageError(
            f"{where}: the rule {rule.title!r} selects nothing. {_near(rule, results)}"
        )
    return selected


def _of_job(rule: Rule, result: JobResult, is_expected: bool) -> Iterator[Selected]:
    if result.status == "not applicable":
        yield Selected(result, lack="not applicable", why=result.reason)
        return
    found = list(_meant(rule, result))
    for estimate in found:
        yield Selected(result, estimate)
    is_blank = all(math.isnan(estimate.value) for estimate in result.estimates)
    if not found and (is_expected or is_blank or result.status not in MEASURED):
        undefined = [e.reason for e in result.estimates if e.reason]
        why = result.reason or "; ".join(dict.fromkeys(undefined)) or "it has no such estimate"
        yield Selected(result, lack="missing", why=f"{result.status}: {why}")


def _is_job(rule: Rule, result: JobResult) -> bool:
    return (
        fnmatchcase(result.probe, rule.probe)
        and fnmatchcase(result.label, rule.label)
        and fnmatchcase(result.model, rule.model)
    )


def _meant(rule: Rule, result: JobResult) -> Iterator[Estimate]:
    primary = [e for e in result.estimates if e.is_primary] or list(result.estimates[:1])
    names = {estimate.metric for estimate in primary}
    for estimate in result.estimates:
        is_named = (
            estimate.metric in names
            if rule.metric is None
            else fnmatchcase(estimate.metric, rule.metric)
        )
        is_slice = fnmatchcase(estimate.slice, rule.slice) if rule.slice else estimate.slice == ""
        if is_named and is_slice:
            yield estimate


def _near(rule: Rule, results: Sequence[JobResult]) -> str:
    """The first pattern after which nothing is left, and what there was to choose from."""
    left = list(results)
    for name in ("probe", "label", "model"):
        pattern = getattr(rule, name)
        there = dict.fromkeys(str(getattr(r, name)) for r in left)
        left = [r for r in left if fnmatchcase(getattr(r, name), pattern)]
        if not left:
            return _told(name, pattern, list(there))
    estimates = [e for r in left for e in r.estimates]
    metric = rule.metric or "*"
    named = [e for e in estimates if fnmatchcase(e.metric, metric)]
    if not named:
        return _told("metric", metric, list(dict.fromkeys(e.metric for e in estimates)))
    slices = dict.fromkeys(e.slice for e in named if e.slice)
    return _told("slice", rule.slice, list(slices))


def _told(name: str, pattern: str, there: Sequence[str]) -> str:
    close = difflib.get_close_matches(pattern, there, n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
    listed = ", ".join(repr(item) for item in there[:8]) or "none"
    more = f" and {len(there) - 8} more" if len(there) > 8 else ""
    return f"No {name} matches {pattern!r}; there are {listed}{more}.{hint}"
