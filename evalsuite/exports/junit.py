"""``junit``: one test case for each primary estimate, as CI panes show them.

The file keeps to what Apache Ant's schema and that of Jenkins's xUnit plugin both take: figures
stand in the suite's output, because Ant's test cases have no output of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from evalsuite.exports.files import Export, ExportedFile
from evalsuite.exports.texts import one_line, xml_text
from evalsuite.metric import Estimate
from evalsuite.report.verdicts import SIGNS, meaning, shown
from evalsuite.report.wording import interval, null, number
from evalsuite.store import JobResult, Run

Outcome = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True)
class Case:
    """One test case: its place, how it went, and why."""

    classname: str
    name: str
    outcome: Outcome
    why: str = ""
    figures: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class CaseSuite:
    """The test cases of one subject; ``started`` is an ISO 8601 moment."""

    name: str
    package: str
    started: str
    cases: tuple[Case, ...]


def export(runs: Sequence[Run]) -> Export:
    """One suite for each model of each run, one case for each primary estimate.

    An estimate that differs from its null for the worse is a failure; one that is undefined, and a
    job that failed, is an error; a probe that does not apply is skipped. Thresholds of your own
    are what ``evalsuite gate --junit`` tests.
    """
    suites = [
        CaseSuite(model, run.name, str(run.manifest.get("started", "")), tuple(_cases(run, model)))
        for run in runs
        for model in dict.fromkeys(result.model for result in run.results)
    ]
    return Export((ExportedFile("junit.xml", [junit_bytes(suites)]),))


def junit_bytes(suites: Iterable[CaseSuite]) -> bytes:
    """The XML document of some suites."""
    root = ElementTree.Element("testsuites")
    for position, suite in enumerate(suites):
        root.append(_element(suite, position))
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _element(suite: CaseSuite, position: int) -> ElementTree.Element:
    counts = [sum(c.outcome == kind for c in suite.cases) for kind in ("failure", "error")]
    element = ElementTree.Element(
        "testsuite",
        name=_name(suite.name),
        package=_name(suite.package),
        id=str(position),
        timestamp=suite.started[:19] or "1970-01-01T00:00:00",
        hostname="localhost",
        tests=str(len(suite.cases)),
        failures=str(counts[0]),
        errors=str(counts[1]),
        skipped=str(sum(c.outcome == "skipped" for c in suite.cases)),
        time=f"{sum(c.seconds for c in suite.cases):.3f}",
    )
    ElementTree.SubElement(element, "properties")
    for case in suite.cases:
        element.append(_case(case))
    told = "\n".join(f"{c.classname}, {c.name}: {c.figures or c.why}" for c in suite.cases)
    ElementTree.SubElement(element, "system-out").text = xml_text(told)
    ElementTree.SubElement(element, "system-err")
    return element


def _case(case: Case) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase",
        classname=_name(case.classname),
        name=_name(case.name),
        time=f"{case.seconds:.3f}",
    )
    if case.outcome == "skipped":
        ElementTree.SubElement(element, "skipped", message=one_line(case.why))
    elif case.outcome != "passed":
        told = ElementTree.SubElement(
            element, case.outcome, type=case.outcome, message=one_line(case.why)
        )
        told.text = xml_text(case.figures)
    return element


def _name(text: str) -> str:
    return one_line(text).strip() or "unnamed"


def _cases(run: Run, model: str) -> Iterator[Case]:
    for result in run.results:
        if result.model != model:
            continue
        if result.status == "not applicable":
            yield Case(result.label, result.probe, "skipped", result.reason)
        elif not result.estimates:
            yield Case(result.label, result.probe, "error", result.reason or result.status)
        # A job's time is told once, with its first estimate.
        for place, estimate in enumerate(shown(result)):
            yield _judged(result, estimate, 0.0 if place else result.seconds)


def _judged(result: JobResult, estimate: Estimate, seconds: float) -> Case:
    found = meaning(result.family, estimate)
    figures = f"{number(estimate.value)} {interval(estimate)}, n {estimate.n}"
    if estimate.null is not None:
        figures += f", null {null(estimate)}"
    outcome: Outcome = "passed"
    why = SIGNS[found][1]
    if found == "undefined":
        outcome, why = "error", estimate.reason or "undefined"
    elif found == "bad":
        outcome, why = "failure", f"{why}: {figures}"
    return Case(result.label, estimate.metric, outcome, why, figures, seconds)
