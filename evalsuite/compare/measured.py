"""Who is compared: every model of every run, the baseline first."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from evalsuite.compare.records import Subject
from evalsuite.errors import NothingSelectedError, UsageError
from evalsuite.metric import Estimate
from evalsuite.store import JobResult, Run, with_distinct_names

# A job with one of these has estimates to compare.
MEASURED = frozenset({"finished", "partial"})


@dataclass(frozen=True)
class Measured:
    """One subject and what was measured of it."""

    subject: Subject
    run: Run

    @cached_property
    def results(self) -> dict[str, JobResult]:
        """Its jobs by label, those that are not applicable left out."""
        return {
            result.label: result
            for result in self.run.results
            if result.model == self.subject.model and result.status != "not applicable"
        }


def measured(
    runs: Sequence[Run], *, baseline: str | None = None, models: Sequence[str] | None = None
) -> list[Measured]:
    """Everyone to compare, the baseline first and the others in the order of the runs.

    Raises:
        UsageError: A name is nobody's, or the baseline is one of several.
        NothingSelectedError: There are not two to compare.
    """
    everyone = [
        Measured(Subject(run.name, model), run)
        for run in with_distinct_names(runs)
        for model in dict.fromkeys(result.model for result in run.results)
    ]
    if models is not None:
        known = [one.subject.model for one in everyone]
        for name in models:
            if name not in known:
                raise UsageError(_nobody("model", name, known))
        everyone = [one for one in everyone if one.subject.model in models]
    if len(everyone) < 2:
        have = str(everyone[0].subject) if everyone else "none"
        raise NothingSelectedError(
            f"A comparison takes two models, in one run or in several; these runs have {have}. "
            "Name a second run directory, or run the suite with another `-m MODEL`."
        )
    first = everyone[0] if baseline is None else _named(baseline, everyone)
    return [first, *(one for one in everyone if one is not first)]


def _named(name: str, everyone: Sequence[Measured]) -> Measured:
    """The subject that a user means: ``MODEL``, ``RUN`` (its first model) or ``MODEL (RUN)``."""
    exact = [one for one in everyone if str(one.subject) == name]
    by_model = [one for one in everyone if one.subject.model == name]
    by_run = [one for one in everyone if name in (one.subject.run, str(one.run.path))]
    found = exact or by_model or by_run[:1]
    if not found:
        names = [n for one in everyone for n in (one.subject.model, one.subject.run)]
        raise UsageError(_nobody("baseline", name, [*names, *(str(o.subject) for o in everyone)]))
    if len(found) > 1:
        each = " or ".join(repr(str(one.subject)) for one in found)
        raise UsageError(f"The baseline {name!r} was measured in several runs; say which: {each}.")
    return found[0]


def _nobody(kind: str, name: str, known: Iterable[str]) -> str:
    known = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"There is no {kind} {name!r} in these runs. {hint}They have: {', '.join(known)}."


def estimates_of(result: JobResult) -> dict[tuple[str, str], Estimate]:
    """The estimates of a job by metric and slice."""
    return {(estimate.metric, estimate.slice): estimate for estimate in result.estimates}
