"""Which jobs a suite becomes."""

from __future__ import annotations

import pytest

from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec, parse_suite

SUITE = """version: 1
name: small
models: [control:text-clean, control:text-stereotyped]
sources: {pairs: {type: control/stereotype-pairs}}
probes:
  - {probe: fairness/stereotype-pairs, source: pairs, label: all}
  - {probe: fairness/stereotype-pairs, source: pairs, label: one, models: [control:text-clean]}
"""


def jobs(*models: str) -> set[tuple[str, str]]:
    """(probe label, model) of each job."""
    given = tuple(ModelSpec(name=name) for name in models) or None
    plan = make_plan(parse_suite(SUITE), installed(), models=given)
    return {(job.label, job.model.removeprefix("control:")) for job in plan.jobs}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), {("all", "text-clean"), ("all", "text-stereotyped"), ("one", "text-clean")}),
        # Whoever gives a model by hand wants to know all about it.
        (("control:text-stereotyped",), {("all", "text-stereotyped"), ("one", "text-stereotyped")}),
        (("control:text-leaky",), {("all", "text-leaky"), ("one", "text-leaky")}),
    ],
)
def test_a_probes_models_hold_for_the_suites_own(given, expected):
    assert jobs(*given) == expected
