"""What passes, what fails, and what cannot be judged: from hand-made estimates."""

from __future__ import annotations

import math

import pytest

from evalsuite.errors import ExitCode, UsageError
from evalsuite.gate import judge
from evalsuite.metric import Estimate, undefined
from evalsuite.policy import Policy, PolicyFile
from evalsuite.store import JobResult, Run

NAN = math.nan


def estimate(metric="accuracy", value=0.8, low=0.7, high=0.9, **facts) -> Estimate:
    facts = {"n": 100, "is_primary": True, "direction": "higher is better", **facts}
    return Estimate(metric, value, low, high, **facts)


def job(*estimates, model="m:one", label="task/a", status="finished", **facts) -> JobResult:
    return JobResult(f"{model}--{label}", model, label, "task", "s", status, label=label,
                     n_samples=100, estimates=estimates, **facts)  # fmt: skip


def run_of(*jobs, complete=True, planned=()) -> Run:
    from pathlib import Path

    return Run(Path("run"), "run", {"jobs": list(planned)}, {"complete": complete}, jobs)


def gate_of(*rules, run, path="policy.yaml", **facts):
    from pathlib import Path

    policy = Policy(version=1, name="p", rules=rules, **facts)
    return judge(PolicyFile(policy, Path(path), {("rules", 0): (4, 5)}), run)


def outcomes(*rules, run, **facts) -> list[str]:
    return [check.outcome for check in gate_of(*rules, run=run, **facts).checks]


@pytest.mark.parametrize(
    ("rule", "outcome", "margin"),
    [
        ({"lower": {"min": 0.7}}, "passed", 0.0),  # both ends belong to the range
        ({"lower": {"min": 0.75}}, "failed", -0.05),  # although the value, 0.8, is above
        ({"upper": {"max": 0.95}}, "passed", 0.05),
        ({"upper": {"max": 0.85}}, "failed", -0.05),
        ({"value": {"min": 0.5, "max": 0.85}}, "passed", 0.05),  # the nearer end
        ({"n": {"min": 101}}, "failed", -1.0),
        ({"failed": {"max": 0.1}}, "passed", 0.1),
    ],
)
def test_a_demand_holds_within_its_range(rule, outcome, margin):
    (check,) = gate_of(rule, run=run_of(job(estimate()))).checks
    assert check.outcome == outcome
    assert check.margin == pytest.approx(margin, abs=1e-12)


def test_the_share_of_failed_samples_is_the_jobs(tmp_path):
    rule = {"failed": {"max": 0.1}}
    (check,) = gate_of(rule, run=run_of(job(estimate(), n_failed=25))).checks
    assert (check.figure, check.outcome) == (0.25, "failed")


# ------------------------------------------------------------------------------------------------
# What cannot be judged never passes
# ------------------------------------------------------------------------------------------------

RULE = {"label": "task/a", "metric": "accuracy", "lower": {"min": 0.0}}
REFUSING = {
    "no number": job(undefined("accuracy", "no sample was answered", is_primary=True)),
    "no interval": job(estimate(low=NAN, high=NAN, method="no interval: one speaker")),
    "another name for it": job(undefined("all metrics", "no sample was answered")),
    "a failed job": job(status="failed", reason="out of memory"),
    "an interrupted job": job(status="interrupted"),
    "a limited job": job(estimate(), status="partial"),
}


@pytest.mark.parametrize("name", REFUSING)
def test_a_model_that_refuses_does_not_pass(name):
    gate = gate_of(RULE, run=run_of(REFUSING[name]), incomplete="allow")
    assert gate.verdict == "failed"
    assert gate.failed[0].why


def test_a_model_without_the_estimate_that_another_has_is_missing_it():
    run = run_of(job(estimate()), job(estimate("recall"), model="m:two"))
    assert outcomes(RULE, run=run) == ["passed", "failed"]


def test_a_probe_without_such_a_metric_is_not_meant():
    run = run_of(job(estimate()), job(estimate("gap"), label="task/b"))
    assert outcomes({**RULE, "label": "*"}, run=run) == ["passed"]


@pytest.mark.parametrize(
    ("handling", "run"),
    [
        ({"undefined": "skip"}, run_of(REFUSING["no number"], job(estimate(), model="m:two"))),
        ({"missing": "skip"}, run_of(REFUSING["a failed job"], job(estimate(), model="m:two"))),
        ({}, run_of(job(status="not applicable", model="m:0"), job(estimate()))),
    ],
)
def test_what_the_policy_passes_over_is_said_to_be_skipped(handling, run):
    gate = gate_of({**RULE, **handling}, run=run)
    assert [check.outcome for check in gate.checks] == ["skipped", "passed"]
    assert gate.verdict == "passed"
    assert "1 skipped" in gate.sentence


def test_a_limited_job_passes_where_the_rule_allows_it():
    run = run_of(REFUSING["a limited job"])
    assert outcomes({**RULE, "partial": "allow"}, run=run) == ["passed"]


def test_a_rule_that_tests_nothing_fails():
    run = run_of(job(status="not applicable", reason="no ears"))
    gate = gate_of(RULE, run=run)
    assert [check.outcome for check in gate.checks] == ["skipped", "failed"]
    assert "nothing was tested" in gate.failed[0].why


def test_what_does_not_apply_fails_where_the_rule_says_so():
    run = run_of(job(status="not applicable", reason="no ears"), job(estimate(), model="m:two"))
    assert outcomes({**RULE, "not_applicable": "fail"}, run=run) == ["failed", "passed"]


# ------------------------------------------------------------------------------------------------
# What a rule selects
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"probe": "tsak/*"}, "No probe matches 'tsak/*'; there are 'task/a'. Did you mean"),
        ({"label": "task/b"}, "No label matches 'task/b'"),
        ({"model": "hf:*"}, "No model matches 'hf:*'; there are 'm:one'."),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'?"),
        ({"slice": "group=*"}, "No slice matches 'group=*'; there are none."),
    ],
)
def test_a_rule_that_selects_nothing_is_an_error_with_its_place(rule, message):
    with pytest.raises(UsageError) as caught:
        gate_of({**rule, "lower": {"min": 0}}, run=run_of(job(estimate())))
    assert message in str(caught.value)
    assert str(caught.value).startswith("policy.yaml:4:5: ")


def test_without_a_metric_a_rule_means_the_primary_ones():
    run = run_of(job(estimate(), estimate("further", is_primary=False, low=0.0)))
    assert outcomes({"lower": {"min": 0.5}}, run=run) == ["passed"]


def test_without_a_slice_a_rule_means_the_whole():
    part = estimate(slice="group=B", low=0.1, is_primary=False)
    run = run_of(job(estimate(), part))
    assert outcomes({"lower": {"min": 0.5}}, run=run) == ["passed"]
    assert outcomes({"slice": "group=*", "lower": {"min": 0.5}}, run=run) == ["failed"]
    assert outcomes({"slice": "*", "lower": {"min": 0.5}}, run=run) == ["passed", "failed"]


# ------------------------------------------------------------------------------------------------
# One verdict, one exit code
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "facts", "verdict", "code"),
    [
        (run_of(job(estimate())), {}, "passed", ExitCode.OK),
        (run_of(job(estimate(low=-1.0))), {}, "failed", ExitCode.GATE_FAILED),
        (run_of(job(estimate()), complete=False), {}, "incomplete", ExitCode.INCOMPLETE),
        (run_of(job(estimate(low=-1.0)), complete=False), {}, "incomplete", ExitCode.INCOMPLETE),
        (run_of(job(estimate()), complete=False), {"incomplete": "allow"}, "passed", ExitCode.OK),
    ],
)
def test_the_exit_code_is_the_verdicts(run, facts, verdict, code):
    gate = gate_of(RULE, run=run, **facts)
    assert (gate.verdict, gate.exit_code) == (verdict, code)
    told = {"passed": "Passed", "failed": "Failed", "incomplete": "Not judged"}
    assert gate.sentence.startswith(told[verdict])
    assert gate.to_json()["exit_code"] == code


def test_a_job_that_was_planned_and_never_run_is_missed():
    planned = {"id": "x", "model": "m:two", "probe": "task/a", "family": "task", "source": "s",
               "label": "task/a"}  # fmt: skip
    run = run_of(job(estimate()), planned=[planned])
    gate = gate_of(RULE, run=run)
    assert gate.incomplete == ("1 of 2 jobs were not run",)
    assert [check.outcome for check in gate.checks] == ["passed", "failed"]


def test_a_comparing_rule_without_a_baseline_is_refused():
    with pytest.raises(UsageError, match=r"policy.yaml:4:5: .*--baseline RUN"):
        gate_of({"verdict": "not worse"}, run=run_of(job(estimate())))
