"""The workflow of docs/examples does what it says, step by step, as a runner would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "examples" / "evaluate.yml").read_text()
STEPS = {s["name"]: s for s in yaml.safe_load(TEXT)["jobs"]["evaluate"]["steps"] if "name" in s}
SUITE = """
version: 1
name: small
models: [control:text-stereotyped]
sources:
  pairs: {type: control/stereotype-pairs}
probes:
  - {probe: fairness/stereotype-pairs, source: pairs, options: {cluster_by: occupation}}
"""
POLICY = "version: 1\nname: p\nrules: [{metric: stereotype log-odds, upper: {max: LIMIT}}]\n"


def runner(folder: Path):
    program = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": program, "GITHUB_STEP_SUMMARY": str(folder / "page.md")}

    def step(name: str) -> int:
        """As a runner runs it: ``bash -e`` in the checkout."""
        script = ["bash", "-e", "-o", "pipefail", "-c", STEPS[name]["run"]]
        return subprocess.run(script, cwd=folder, env=environment, capture_output=True).returncode

    return step


@pytest.mark.parametrize(("limit", "code", "word"), [(5, 0, "passed"), (0.1, 1, "failed")])
def test_the_steps_run_and_the_summary_tells_what_the_gate_said(tmp_path, limit, code, word):
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "policy.yaml").write_text(POLICY.replace("LIMIT", str(limit)))
    step = runner(tmp_path)
    found = [step(name) for name in ("Evaluate", "Report", "Gate", "Summary")]
    assert found == [0, 0, code, 0]
    page = (tmp_path / "page.md").read_text()
    assert f"Gate {word}: `p`" in page
    assert "</details>\n\n## Evaluation" in page  # else it would be HTML, not a heading
    kept = STEPS["Keep the report"]["with"]["path"].split()
    assert all((tmp_path / name).exists() for name in kept)


def test_the_other_steps_run_when_the_gate_fails():
    for name in ("Summary", "Keep the report", "Comment"):
        assert "!cancelled()" in STEPS[name]["if"]


def test_no_expression_of_a_stranger_reaches_a_script():
    """A pull request's title or branch in a script would be run; its number cannot be."""
    scripts = "\n".join(step.get("run", "") for step in STEPS.values())
    assert re.findall(r"\$\{\{\s*(.*?)\s*\}\}", scripts) == ["github.event.pull_request.number"]
