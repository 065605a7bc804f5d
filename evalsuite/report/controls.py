"""Does each probe work? Asked of the control models that are in the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.metric import Estimate
from evalsuite.report.verdicts import meaning, shown
from evalsuite.report.wording import interval, number
from evalsuite.store import JobResult

# A capability that differs from guessing is no plant.
_ORDER = {"bad": 0, "notable": 0, "at null": 1}


@dataclass(frozen=True)
class Validation:
    """One probe on one planted twin and its clean twin."""

    label: str
    planted: str
    planted_model: str
    clean_model: str
    planted_value: str
    clean_value: str
    answer: str


def validations(
    results: Sequence[JobResult], models: Sequence[Mapping[str, Any]]
) -> list[Validation]:
    """Every (probe, planted model) pair for which a control says that the probe must see it."""
    found = []
    for model in models:
        controls = model.get("controls") or {}
        if not controls.get("planted"):
            continue
        probes = {name.strip() for name in str(controls.get("probes", "")).split(",")}
        for result in results:
            if result.model == model["name"] and result.probe in probes:
                twin = _same_job(results, result, str(controls.get("twin")))
                found.append(_validate(result, twin, str(controls["planted"])))
    return found


def _same_job(results: Sequence[JobResult], job: JobResult, model: str) -> JobResult | None:
    return next((r for r in results if r.model == model and r.label == job.label), None)


def _validate(result: JobResult, twin: JobResult | None, planted: str) -> Validation:
    found = _telling(result) if result.family != "task" else shown(result)
    clean = _of_same_measure(shown(twin), found) if twin else []
    sees, quiet = _tells_apart(result.family, found, clean)
    answer = "yes" if sees and quiet else "no"
    if not found or not clean:
        answer = "not tested: the clean twin was not run"
    elif answer == "no":
        answer = "no: " + ("the clean twin differs too" if sees else "the plant is not seen")
    return Validation(
        label=result.label,
        planted=planted,
        planted_model=result.model,
        clean_model=twin.model if twin else "",
        planted_value=f"{number(found[0].value)} {interval(found[0])}" if found else "n/a",
        clean_value=f"{number(clean[0].value)} {interval(clean[0])}" if clean else "n/a",
        answer=answer,
    )


def _telling(result: JobResult) -> Sequence[Estimate]:
    """The shown estimates, one that tells of something in front: a plant moves some, not all."""

    def order(estimate: Estimate) -> int:
        return _ORDER.get(meaning(result.family, estimate), len(_ORDER))

    return sorted(shown(result), key=order)


def _of_same_measure(
    estimates: Sequence[Estimate], found: Sequence[Estimate]
) -> Sequence[Estimate]:
    """The clean twin's estimate of what the first one found measures."""
    wanted = {(e.metric, e.slice) for e in found[:1]}
    return [e for e in estimates if (e.metric, e.slice) in wanted] or estimates


def _tells_apart(
    family: str, planted: Sequence[Estimate], clean: Sequence[Estimate]
) -> tuple[bool, bool]:
    """Whether the plant is seen, and the clean twin is not.

    In a task the null is guessing, so there the broken twin must be at it and the clean one not;
    and so wherever a departure is good news, as of answers that rest on written reasoning.
    """
    if not planted or not clean:
        return False, False
    differs = planted[0].verdict == "differs from null"
    twin_differs = clean[0].verdict == "differs from null"
    is_null_bad = family == "task" or meaning(family, clean[0]) == "good"
    return (not differs, twin_differs) if is_null_bad else (differs, not twin_differs)
