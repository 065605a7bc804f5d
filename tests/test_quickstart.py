"""The quick start: every planted twin is told from its clean twin by the probe made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalsuite.cli import run
from evalsuite.gate import judge
from evalsuite.policy import read_policy
from evalsuite.registry import installed
from evalsuite.report.controls import validations
from evalsuite.store import Run
from evalsuite_controls.catalogue import CONTROLS

# Tones take long to explain: plugins/evalsuite_explain/tests/test_explain_controls.py has that pair.
# Temperatures are in the suite calibration, and in test_calibration_controls.py.
# Reasoning is in the suite explainability, and in test_explain_reasoning.py.
ELSEWHERE = {
    "control:beeps-shortcut",
    "control:classifier-overconfident",
    "control:classifier-underconfident",
    "control:reasoner-posthoc",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    path: Path = tmp_path_factory.mktemp("runs") / "quickstart"
    assert run(["run", "quickstart", "-q", "-o", str(path)]) == 0
    return Run.open(path)


@pytest.mark.slow
def test_every_plant_is_seen_and_every_clean_twin_is_silent(finished):
    found = validations(finished.results, finished.plan["models"])
    assert {v.label: v.answer for v in found if v.answer != "yes"} == {}
    planted = {f"control:{control.name}" for control in CONTROLS.values() if control.planted}
    assert {v.planted_model for v in found} == planted - ELSEWHERE


@pytest.mark.slow
def test_all_families_and_modalities_are_in_it(finished):
    families = {result.family for result in finished.results}
    assert {"task", "fairness", "privacy", "explainability", "robustness"} <= families
    modalities = {m for model in finished.plan["models"] for m in model["modalities"]}
    assert modalities == {"text", "image", "audio"}


@pytest.mark.slow
def test_no_sample_fails(finished):
    assert sum(result.n_failed for result in finished.results) == 0


@pytest.mark.slow
def test_the_planted_bias_has_the_planted_size(finished):
    """P(she) of .9 against .1 are log-odds of ln 9 = 2.197; the recovered mean is within a tenth."""
    (result,) = [
        r
        for r in finished.results
        if r.probe == "fairness/stereotype-pairs" and r.model == "control:text-stereotyped"
    ]
    (planted,) = [
        e
        for e in result.estimates
        if e.slice == "bias_type=planted" and e.metric == "stereotype log-odds"
    ]
    assert planted.value == pytest.approx(2.197, rel=0.1)


@pytest.mark.slow
def test_the_quickstarts_policy_passes_clean_models_and_fails_planted_ones(finished):
    """Of every pair of twins, once the rules mean all models instead of the clean ones."""
    file = read_policy(installed().require("policy", "quickstart").load()())
    assert judge(file, finished).verdict == "passed"
    rules = tuple(rule.model_copy(update={"model": "*"}) for rule in file.policy.rules)
    everyone = replace(file, policy=file.policy.model_copy(update={"rules": rules}))
    failed = {check.model for check in judge(everyone, finished).failed}
    assert failed == {f"control:{c.name}" for c in CONTROLS.values() if c.planted} & {
        model["name"] for model in finished.plan["models"]
    }
