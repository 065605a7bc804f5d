"""The suite robustness: any model by name, and data whose answers are right."""

from __future__ import annotations

import json

from evalsuite.factories import make_source, make_variant
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.store import Run
from evalsuite.suite import ModelSpec, read_suite
from evalsuite_robustness.texts.contrast import negated


def planned(*models: str):
    registry = installed()
    suite = read_suite(registry.require("suite", "robustness").load()())
    return make_plan(suite, registry, models=tuple(ModelSpec(name=m) for m in models) or None)


def test_every_probe_with_changes_is_summed_up():
    jobs = planned().jobs
    under = {job.base for job in jobs if job.is_variant}
    assert {job.base for job in jobs if job.is_over_changes} == under


def test_a_model_of_any_kind_is_asked_what_it_can_answer():
    plan = planned("control:text-clean", "control:vlm-clean", "control:sounds-clean")
    asked = {model: set() for model in (m.name for m in plan.models)}
    for job in plan.jobs:
        if job.applicable and not job.base:
            asked[job.model].add(job.label)
    assert {"questions", "questions with letters", "statements"} <= asked["control:text-clean"]
    assert "questions about shapes" in asked["control:vlm-clean"]
    assert asked["control:sounds-clean"] == {"sounds"}


def test_every_statement_can_be_negated_and_then_has_the_other_answer():
    plan = planned("control:text-clean")
    source = make_source(plan.source("statements"), installed())
    setting = next(j.variant for j in plan.jobs if "negation" in str(j.variant))
    before = list(source.rows())
    after = make_variant(setting, installed()).samples(before, 0)
    for one, other in zip(before, after, strict=True):
        assert other["statement"] == negated(one["statement"]) != one["statement"]
        assert {one["answer"], other["answer"]} == {"true", "false"}


def test_moved_options_cost_a_probe_nothing_that_does_not_list_them(tmp_path):
    """Choices scored one by one have the same scores in any order."""
    from evalsuite.cli import run

    (tmp_path / "suite.yaml").write_text(
        """
version: 1
name: moved
models: ["control:text-clean"]
sources: {capitals: {type: control/capitals}}
probes:
  - {probe: text/multiple-choice, source: capitals, variants: [text/option-order]}
"""
    )
    assert run(["run", str(tmp_path / "suite.yaml"), "-q", "-o", str(tmp_path / "run")]) == 0
    (over,) = [r for r in Run.open(tmp_path / "run").results if "all changes" in r.label]
    found = {e.metric: e for e in over.estimates}
    assert found["accuracy relative drop over changes"].value == 0
    assert found["consistency"].value == 1
    assert json.dumps(over.options).count("text/option-order") == 6  # names and kinds
