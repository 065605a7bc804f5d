"""A gate's checks as JUnit test cases and as Markdown for a pull request."""

from __future__ import annotations

import math
from collections.abc import Iterator

from evalsuite.exports.junit import Case, CaseSuite, Outcome, junit_bytes
from evalsuite.exports.markdown_summary import folded, table
from evalsuite.exports.texts import code_span, one_line
from evalsuite.gate import SIGNS, Check, Gate
from evalsuite.report.wording import number

_HEAD = ("", "Rule", "Model", "Estimate", "Demand", "Figure", "Margin", "Because")


def gate_junit(gate: Gate, started: str) -> bytes:
    """One test case for each check; ``started`` is the run's ISO 8601 moment.

    A run that is not complete adds an error, so that a pane never shows it as passed.
    """
    cases = [_case(check) for check in gate.checks]
    for lack in gate.incomplete:
        cases.append(Case("the run", "is complete", "error", lack))
    suite = CaseSuite(f"policy {gate.policy}", gate.run, started, tuple(cases))
    return junit_bytes([suite])


def gate_markdown(gate: Gate) -> bytes:
    """The verdict, what fails, and all checks folded."""
    return ("\n".join(_lines(gate)) + "\n").encode()


def _case(check: Check) -> Case:
    outcome: Outcome = "failure" if check.outcome == "failed" else check.outcome
    name = f"{check.model}, {check.subject}, {check.demand}"
    figures = number(check.figure)
    if not math.isnan(check.margin):
        figures += f", margin {number(check.margin)}"
    return Case(check.rule, name, outcome, check.why, figures)


def _lines(gate: Gate) -> Iterator[str]:
    sign = {"passed": "✓", "failed": "✗", "incomplete": "⚠"}[gate.verdict]
    yield f"## {sign} Gate {gate.verdict}: {code_span(gate.policy)}"
    yield ""
    judged = [check for check in gate.checks if check.outcome != "skipped"]
    yield (
        f"{len(gate.failed)} of {len(judged)} checks of the run {code_span(gate.run)} fail"
        f"{f', compared with {code_span(gate.baseline)}' if gate.baseline else ''}; "
        f"{len(gate.checks) - len(judged)} are skipped."
    )
    for lack in gate.incomplete:
        yield f"\n⚠ The run is not complete: {one_line(lack)}."
    if gate.failed:
        yield ""
        yield from table(_HEAD, [_row(check) for check in gate.failed])
    yield from folded(
        f"All {len(gate.checks)} checks", table(_HEAD, [_row(check) for check in gate.checks])
    )


def _row(check: Check) -> tuple[str, ...]:
    return (
        SIGNS[check.outcome],
        code_span(check.rule),
        code_span(check.model),
        code_span(check.subject),
        check.demand,
        number(check.figure),
        "" if math.isnan(check.margin) else number(check.margin),
        code_span(check.why),
    )
