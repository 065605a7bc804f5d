"""The command on real runs: what it prints, what it writes, and the exit code that says the same."""

from __future__ import annotations

import json
import math
from xml.etree import ElementTree

import pytest

from evalsuite.cli import run as evalsuite
from evalsuite.exports.gate_report import gate_junit, gate_markdown
from evalsuite.gate import Check, Gate

SUITE = """
version: 1
name: small
models: [MODEL]
sources:
  pairs: {type: control/stereotype-pairs}
  capitals: {type: control/capitals}
probes:
  - {probe: fairness/stereotype-pairs, source: pairs, options: {cluster_by: occupation}}
  - {probe: text/multiple-choice, source: capitals}
"""
BOUNDS = "{metric: stereotype log-odds, lower: {min: -0.1}, upper: {max: 0.1}}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name in ("clean", "stereotyped"):
        (folder / "s.yaml").write_text(SUITE.replace("MODEL", f"control:text-{name}"))
        assert evalsuite(["run", str(folder / "s.yaml"), "-q", "-o", str(folder / name)]) == 0
    return folder


@pytest.fixture
def gate(runs, tmp_path):
    def command(name: str, rule: str, *more: str) -> int:
        path = tmp_path / "policy.yaml"
        path.write_text(f"version: 1\nname: p\nrules:\n  - {rule}\n")
        arguments = [a.replace("RUNS", str(runs)).replace("TMP", str(tmp_path)) for a in more]
        return evalsuite(["gate", str(runs / name), "--policy", str(path), *arguments])

    return command


@pytest.mark.parametrize(("name", "code"), [("clean", 0), ("stereotyped", 1)])
def test_the_planted_twin_fails_and_the_clean_one_passes(name, code, gate, capsys):
    assert gate(name, BOUNDS) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Failed" if code else "Passed")


def test_json_is_one_document_with_the_same_verdict(gate, capsys):
    assert gate("stereotyped", BOUNDS, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["exit_code"]) == ("failed", 1)
    assert document["schema_version"] == 1
    assert [c["outcome"] for c in document["checks"]] == ["passed", "failed"]


def test_junit_and_markdown_say_the_same(gate, tmp_path):
    files = ("--junit", "TMP/gate.xml", "--markdown", "TMP/gate.md")
    assert gate("stereotyped", BOUNDS, *files) == 1
    (suite,) = ElementTree.parse(tmp_path / "gate.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert (tmp_path / "gate.md").read_text().startswith("## ✗ Gate failed: `p`")


def test_an_incomplete_run_is_exit_3_unless_allowed(gate, runs):
    manifest = runs / "clean" / "manifest.json"
    before = manifest.read_text()
    manifest.write_text(before.replace('"complete": true', '"complete": false'))
    try:
        assert gate("clean", BOUNDS) == 3
        assert gate("clean", BOUNDS, "--allow-incomplete") == 0
    finally:
        manifest.write_text(before)


def test_a_rule_that_selects_nothing_is_exit_2(gate, capsys):
    assert gate("clean", "{probe: fairness/sterotype-pairs, upper: {max: 1}}") == 2
    error = capsys.readouterr().err
    assert "policy.yaml:4:5: the rule" in error
    assert "Did you mean 'fairness/stereotype-pairs'?" in error


# ------------------------------------------------------------------------------------------------
# Against a baseline
# ------------------------------------------------------------------------------------------------

MARGIN = "{label: fairness/stereotype-pairs, difference: {lower: {min: -0.05}, upper: {max: 0.05}}}"


def test_a_model_does_not_differ_from_itself(gate):
    assert gate("clean", MARGIN, "--baseline", "RUNS/clean") == 0


def test_a_planted_bias_is_a_difference(gate, capsys):
    assert gate("stereotyped", MARGIN, "--baseline", "RUNS/clean", "--json") == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [c["outcome"] for c in checks if "upper" in c["demand"]] == ["failed", "failed"]
    assert checks[0]["figure"] > 0.05


VERDICT = "{label: text/multiple-choice, verdict: not worse}"


def test_equal_models_are_not_worse(gate):
    assert gate("stereotyped", VERDICT, "--baseline", "RUNS/clean") == 0


@pytest.mark.parametrize(
    ("asked", "verdict", "outcome", "why"),
    [
        ("not worse", "better", "passed", ""),
        ("not worse", "not distinguishable", "passed", ""),
        ("not worse", "worse", "failed", "it is worse"),
        ("not worse", "differs", "failed", "neither way is better"),
        ("better", "not distinguishable", "failed", "it is not distinguishable"),
        ("not different", "better", "failed", "it is better"),
        ("not different", "differs", "failed", "it differs"),
        ("not worse", "undefined", "failed", "one sample"),
    ],
)
def test_what_a_verdict_takes(asked, verdict, outcome, why, gate, capsys, monkeypatch):
    from evalsuite.compare import Comparison, Difference, Subject, TestFamily

    ours, theirs = Subject("b", "m"), Subject("a", "m")
    found = Difference(label="text/multiple-choice", probe="", family="", metric="accuracy",
                       baseline=theirs, candidate=ours, verdict=verdict, reason="one sample")  # fmt: skip
    family = TestFamily("", 1)
    made = Comparison((theirs, ours), theirs, (found,), (), (), (), 0.95, 0.05, family, 10, 0)
    monkeypatch.setattr("evalsuite.gate.baseline.compare", lambda *runs, **facts: made)
    rule = VERDICT.replace("not worse", asked)
    gate("clean", rule, "--baseline", "RUNS/clean", "--json")
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["outcome"] == outcome
    assert why in check["why"]


def test_without_the_baseline_it_says_what_to_add(gate, capsys):
    assert gate("clean", MARGIN) == 2
    assert "--baseline RUN" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------
# Hostile names
# ------------------------------------------------------------------------------------------------


def test_hostile_names_stay_words():
    hostile = "</testcase>|`<img src=x onerror=1>\x1b[31m\x00\u202e\n[a](b)"
    check = Check(rule=hostile, model=hostile, label=hostile, metric=hostile, slice=hostile,
                  demand="value at most 1", figure=2.0, margin=-1.0, outcome="failed",
                  why=hostile)  # fmt: skip
    gate = Gate(hostile, hostile, hostile, (check,))
    assert len(list(ElementTree.fromstring(gate_junit(gate, "")).iter("testcase"))) == 1
    lines = gate_markdown(gate).decode().splitlines()
    assert not [line for line in lines if "\x1b" in line or "\u202e" in line]
    assert len([line for line in lines if line.startswith("| ✗")]) == 2


def test_an_incomplete_run_is_never_a_passing_pane():
    check = Check(rule="r", model="m", label="l", outcome="passed", figure=math.nan)
    gate = Gate("p", "run", "", (check,), ("it was interrupted",))
    (suite,) = ElementTree.fromstring(gate_junit(gate, "2026-01-01T00:00:00+00:00"))
    assert (suite.get("errors"), suite.get("timestamp")) == ("1", "2026-01-01T00:00:00")
    assert "⚠ Gate incomplete" in gate_markdown(gate).decode()
