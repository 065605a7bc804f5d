"""The sentences at the top: what was found, generated from the estimates and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evalsuite.metric import Estimate
from evalsuite.report.wording import interval, null, number
from evalsuite.store import JobResult

# Beside these a departure from the null is a finding; elsewhere it means that a model can do it.
CONCERNS = frozenset({"fairness", "privacy", "robustness"})


@dataclass(frozen=True)
class ModelVerdict:
    """What a report says of one model.

    Attributes:
        model: Its name.
        findings: Where a concern differs from its null.
        silent: Probes of concern that are compatible with their null.
        unmeasured: What could not be measured, with the reason.
    """

    model: str
    findings: tuple[str, ...]
    silent: tuple[str, ...]
    unmeasured: tuple[str, ...]


def verdicts(results: Sequence[JobResult]) -> list[ModelVerdict]:
    """One verdict for each model, in the order of the run."""
    models = dict.fromkeys(result.model for result in results)
    return [_verdict(model, [r for r in results if r.model == model]) for model in models]


def shown(result: JobResult) -> list[Estimate]:
    """The estimates that a scorecard shows."""
    return [e for e in result.estimates if e.is_primary] or list(result.estimates[:1])


def _verdict(model: str, results: Iterable[JobResult]) -> ModelVerdict:
    findings, silent, unmeasured = [], [], []
    for result in results:
        if result.status in ("failed", "interrupted"):
            unmeasured.append(f"{result.label}: {result.reason}")
            continue
        for estimate in shown(result):
            if estimate.verdict == "undefined" and result.status != "not applicable":
                unmeasured.append(f"{result.label}, {estimate.metric}: {estimate.reason}")
            elif result.family in CONCERNS and estimate.verdict == "differs from null":
                findings.append(_finding(result, estimate))
            elif result.family in CONCERNS and estimate.verdict == "compatible with null":
                silent.append(f"{result.label}")
    return ModelVerdict(model, tuple(findings), tuple(dict.fromkeys(silent)), tuple(unmeasured))


def _finding(result: JobResult, estimate: Estimate) -> str:
    text = (
        f"{result.label}: {estimate.metric} is {number(estimate.value)} {interval(estimate)}, "
        f"where {null(estimate)} would be nothing"
    )
    why = estimate.null.why if estimate.null else ""
    return f"{text} ({why})." if why else f"{text}."


def plain_account(results: Sequence[JobResult]) -> str:
    """One sentence of counts over all models."""
    measured = [e for r in results for e in shown(r) if e.verdict != "undefined"]
    with_null = [e for e in measured if e.null is not None]
    differing = sum(e.verdict == "differs from null" for e in with_null)
    failed = sum(r.n_failed for r in results)
    samples = sum(r.n_samples for r in results)
    return (
        f"{len(measured)} primary estimates on {len({r.model for r in results})} models; "
        f"{differing} of the {len(with_null)} that have a null differ from it at 95 %. "
        f"{failed:,} of {samples:,} samples could not be answered."
    )
