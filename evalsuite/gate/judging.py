"""From a run and a policy to checks: the one place that decides what passes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from evalsuite.compare import Difference
from evalsuite.errors import UsageError
from evalsuite.gate.baseline import Baseline
from evalsuite.gate.records import Check, Gate, Outcome
from evalsuite.gate.selection import Selected, results_of, select
from evalsuite.policy import ACCEPTED, Handling, PolicyFile, Range, Rule
from evalsuite.store import JobResult, Run

_SAID = {"value": "value", "lower": "lower bound", "upper": "upper bound"}


def judge(
    file: PolicyFile,
    run: Run,
    baseline: Run | None = None,
    *,
    allow_incomplete: bool = False,
    allow_different_data: bool = False,
) -> Gate:
    """Hold every estimate that the rules select against what they demand.

    Args:
        file: The policy.
        run: The run to judge.
        baseline: What rules with ``difference`` or ``verdict`` compare with.
        allow_incomplete: Judge a run that did not end, as ``incomplete: allow`` does.
        allow_different_data: Compare what two runs have in common where their data differ.

    Raises:
        UsageError: A rule selects nothing, or compares and there is no baseline.
    """
    policy = file.policy
    _refuse_without_baseline(file, baseline)
    compared = None
    if baseline is not None:
        compared = Baseline(run, baseline, allow_different_data=allow_different_data)
    results = results_of(run)
    allowed = allow_incomplete or policy.incomplete == "allow"
    checks: list[Check] = []
    for place, rule in enumerate(policy.rules):
        checks += _checks(rule, select(rule, results, file.where(place)), compared)
    return Gate(
        policy.name,
        run.name,
        baseline.name if baseline else "",
        tuple(checks),
        () if allowed else tuple(_lacks(run, results)),
    )


def _refuse_without_baseline(file: PolicyFile, baseline: Run | None) -> None:
    for place, rule in enumerate(file.policy.rules):
        if rule.needs_baseline and baseline is None:
            raise UsageError(
                f"{file.where(place)}: the rule {rule.title!r} compares with a baseline; name its "
                "run directory with `--baseline RUN`."
            )


def _lacks(run: Run, results: Sequence[JobResult]) -> Iterator[str]:
    """What a run lacks to be judged as a whole."""
    if not run.manifest:
        yield "it has no manifest"
    elif not run.manifest.get("complete"):
        yield "it was interrupted"
    pending = sum(result.status in ("pending", "interrupted") for result in results)
    if pending:
        yield f"{pending} of {len(results)} jobs were not run"


def _checks(rule: Rule, selected: Sequence[Selected], baseline: Baseline | None) -> Iterator[Check]:
    for item in selected:
        yield from _of_one(rule, item, baseline)
    if rule.not_applicable == "skip" and all(i.lack == "not applicable" for i in selected):
        yield Check(
            rule=rule.title,
            model=rule.model,
            label=rule.label,
            demand="something to test",
            outcome="failed",
            why="nothing was tested: the rule selects only what is not applicable",
        )


def _of_one(rule: Rule, item: Selected, baseline: Baseline | None) -> Iterator[Check]:
    result, estimate = item.result, item.estimate
    if estimate is None:
        handling = rule.missing if item.lack == "missing" else rule.not_applicable
        yield _unjudged(rule, result, handling, "an estimate", f"{item.lack}; {item.why}")
        return
    about: dict[str, Any] = {"metric": estimate.metric, "slice": estimate.slice}
    if result.status == "partial" and rule.partial == "fail":
        why = "its samples were limited; `partial: allow` in the rule accepts that"
        yield _unjudged(rule, result, "fail", "all samples", why, **about)
    if rule.n is not None:
        yield _in_range(rule, result, rule.n, "n", float(estimate.n), **about)
    if rule.failed is not None:
        share = result.n_failed / result.n_samples if result.n_samples else math.nan
        yield _in_range(rule, result, rule.failed, "share of failed samples", share, **about)
    figures = {"value": estimate.value, "lower": estimate.low, "upper": estimate.high}
    why = estimate.reason or (f"no interval: {estimate.method}" if estimate.method else "")
    for name, given in rule.named().items():
        yield _in_range(rule, result, given, _SAID[name], figures[name], why, **about)
    if baseline is not None and rule.needs_baseline:
        yield from _compared(rule, result, baseline.difference(result, estimate), about)


def _compared(
    rule: Rule, result: JobResult, found: Difference | str, about: dict[str, Any]
) -> Iterator[Check]:
    if isinstance(found, str):
        yield _unjudged(rule, result, rule.missing, "a difference to the baseline", found, **about)
        return
    figures = {"value": found.value, "lower": found.low, "upper": found.high}
    for name, given in (rule.difference.named() if rule.difference else {}).items():
        demand = f"{_SAID[name]} of the difference"
        yield _in_range(rule, result, given, demand, figures[name], found.reason or "", **about)
    if rule.verdict is not None:
        yield _verdict(rule, result, found, about)


def _verdict(rule: Rule, result: JobResult, found: Difference, about: dict[str, Any]) -> Check:
    demand = f"{rule.verdict} than the baseline".replace("different than", "different from")
    if found.verdict == "undefined":
        return _unjudged(rule, result, rule.undefined, demand, found.reason or "", **about)
    is_met = found.verdict in ACCEPTED[rule.verdict or "not worse"]
    why = "" if is_met else f"it is {found.verdict}"
    if found.verdict == "differs":
        why = "it differs, and neither way is better; `difference` takes a margin"
    return Check(
        rule=rule.title,
        model=result.model,
        label=result.label,
        demand=demand,
        figure=found.value,
        outcome="passed" if is_met else "failed",
        why=why,
        **about,
    )


def _in_range(
    rule: Rule,
    result: JobResult,
    given: Range,
    what: str,
    figure: float,
    why_undefined: str = "",
    **about: Any,
) -> Check:
    """A figure against a range; one that is no number is handled as the rule says."""
    ends = [("at least", given.min), ("at most", given.max)]
    demand = f"{what} {' and '.join(f'{word} {end:g}' for word, end in ends if end is not None)}"
    if math.isnan(figure):
        why = f"undefined: {why_undefined or 'no reason was given'}"
        return _unjudged(rule, result, rule.undefined, demand, why, **about)
    above = math.inf if given.min is None else figure - given.min
    below = math.inf if given.max is None else given.max - figure
    margin = min(above, below)
    return Check(
        rule=rule.title,
        model=result.model,
        label=result.label,
        demand=demand,
        figure=figure,
        margin=margin,
        outcome="passed" if margin >= 0 else "failed",
        why="" if margin >= 0 else f"{-margin:.3g} too {'low' if above < 0 else 'high'}",
        **about,
    )


def _unjudged(
    rule: Rule, result: JobResult, handling: Handling, demand: str, why: str, **about: Any
) -> Check:
    outcome: Outcome = "failed" if handling == "fail" else "skipped"
    return Check(
        rule=rule.title,
        model=result.model,
        label=result.label,
        demand=demand,
        outcome=outcome,
        why=why,
        **about,
    )
