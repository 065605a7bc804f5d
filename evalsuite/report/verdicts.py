"""The sentences at the top: what was found, generated from the estimates and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from evalsuite.metric import Estimate
from evalsuite.report.wording import interval, null, number
from evalsuite.store import JobResult

# Where a metric has no better direction, a departure from the null is bad news beside these.
CONCERNS = frozenset({"fairness", "privacy", "robustness"})

Meaning = Literal["bad", "good", "at null", "notable", "undefined", "none"]

# A shape and words for each, so that no meaning hangs on a colour.
SIGNS: dict[Meaning, tuple[str, str]] = {
    "bad": ("▲", "differs from null, for the worse"),
    "good": ("●", "differs from null, for the better"),
    "notable": ("●", "differs from null"),
    "at null": ("○", "compatible with null"),
    "undefined": ("–", "not measured"),
    "none": ("", ""),
}


@dataclass(frozen=True)
class ModelVerdict:
    """What a report says of one model.

    Attributes:
        model: Its name.
        findings: Where it is worse than the null.
        notable: Where it differs from the null and neither way is better.
        at_null: Where a higher number is wanted and it is not told from the null.
        silent: Probes of concern that are compatible with their null.
        capable: Where it is better than the null.
        unmeasured: What could not be measured, with the reason.
    """

    model: str
    findings: tuple[str, ...] = ()
    notable: tuple[str, ...] = ()
    at_null: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    capable: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()

    @property
    def is_about_anything(self) -> bool:
        """Whether there is anything to say."""
        return any(getattr(self, f.name) for f in fields(self) if f.name != "model")


def meaning(family: str, estimate: Estimate) -> Meaning:
    """What an estimate's place beside its null says: the metric's direction decides."""
    verdict = estimate.verdict
    if verdict == "undefined":
        return "undefined"
    if verdict == "no null" or estimate.null is None:
        return "none"
    if verdict == "compatible with null":
        return "at null"
    if estimate.direction == "neither":
        return "bad" if family in CONCERNS else "notable"
    if estimate.direction == "closer to null is better":
        return "bad"
    is_above = estimate.value > estimate.null.value
    return "good" if is_above == (estimate.direction == "higher is better") else "bad"


def verdicts(results: Sequence[JobResult]) -> list[ModelVerdict]:
    """One verdict for each model, in the order of the run."""
    models = dict.fromkeys(result.model for result in results)
    return [_verdict(model, [r for r in results if r.model == model]) for model in models]


def shown(result: JobResult) -> list[Estimate]:
    """The estimates that a scorecard shows."""
    return [e for e in result.estimates if e.is_primary] or list(result.estimates[:1])


def _verdict(model: str, results: Iterable[JobResult]) -> ModelVerdict:
    said: dict[str, list[str]] = {f.name: [] for f in fields(ModelVerdict) if f.name != "model"}
    for result in results:
        if result.status in ("failed", "interrupted", "pending"):
            said["unmeasured"].append(f"{result.label}: {result.reason or result.status}")
        elif result.status != "not applicable":
            for estimate in shown(result):
                _say(result, estimate, said)
    return ModelVerdict(
        model, **{name: tuple(dict.fromkeys(texts)) for name, texts in said.items()}
    )


def _say(result: JobResult, estimate: Estimate, said: dict[str, list[str]]) -> None:
    found = meaning(result.family, estimate)
    if found == "undefined":
        said["unmeasured"].append(f"{result.label}, {estimate.metric}: {estimate.reason}")
    elif found == "bad":
        said["findings"].append(_finding(result, estimate))
    elif found == "notable":
        said["notable"].append(_finding(result, estimate))
    elif found == "good":
        said["capable"].append(result.label)
    elif found == "at null" and estimate.direction == "higher is better":
        said["at_null"].append(_finding(result, estimate))
    elif found == "at null":
        said["silent"].append(result.label)


def _finding(result: JobResult, estimate: Estimate) -> str:
    text = (
        f"{result.label}: {estimate.metric} is {number(estimate.value)} {interval(estimate)}, "
        f"where {null(estimate)} would mean nothing is there"
    )
    why = estimate.null.why if estimate.null else ""
    return f"{text} ({why})." if why else f"{text}."


def plain_account(results: Sequence[JobResult]) -> str:
    """One sentence of counts over all models."""
    primary = [e for r in results if r.status != "not applicable" for e in shown(r)]
    measured = [e for e in primary if not math.isnan(e.value)]
    with_null = [e for e in measured if e.null is not None]
    differing = sum(e.verdict == "differs from null" for e in with_null)
    failed = sum(r.n_failed for r in results)
    samples = sum(r.n_samples for r in results)
    missing = len(primary) - len(measured)
    asked = _count(samples, "sample")
    answered = f"All of {asked} were answered." if samples and not failed else ""
    return (
        f"{_count(len(measured), 'primary estimate')} on "
        f"{_count(len({r.model for r in results}), 'model')}; "
        f"{differing} of the {len(with_null)} that are held against a null (what there would be if "
        "there were nothing to find) differ from it at 95 %"
        f"{f', and {missing} could not be computed' if missing else ''}. "
        f"{answered or f'{failed:,} of {asked} could not be answered.'}"
    )


def _count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"
