"""Modalities of the controls in a whole run, and their bars in the report."""

from __future__ import annotations

import pytest

from evalsuite.cli import run
from evalsuite.report import render
from evalsuite.store import Run
from evalsuite_explain.modality.section import bars

SUITE = """version: 1
name: rests
models: [control:vlm-clean, control:vlm-blind]
sources: {questions: {type: control/shape-questions, limit: 45}}
probes:
  - {probe: explain/image-answer-modality, source: questions, options: {n_permutations: 2}}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rests")
    (folder / "rests.yaml").write_text(SUITE)
    assert run(["run", str(folder / "rests.yaml"), "--output", str(folder / "run")]) == 0
    return Run.open(folder / "run")


def of(finished, model):
    (result,) = (r for r in finished.results if r.model == f"control:{model}")
    return {e.metric: e for e in result.estimates}


def test_a_model_that_sees_loses_its_accuracy_with_other_pictures(finished):
    found = of(finished, "vlm-clean")
    score = found["perceptual score of image"]
    assert score.verdict == "differs from null"
    lost = found["accuracy"].value - found["accuracy with another sample's image"].value
    assert score.value == pytest.approx(lost)
    assert found["accuracy without image"].value < found["accuracy"].value


def test_the_control_that_was_trained_blind_gains_nothing_from_pictures(finished):
    found, clean = of(finished, "vlm-blind"), of(finished, "vlm-clean")
    assert found["perceptual score of image"].verdict == "compatible with null"
    assert found["text share"].value > clean["text share"].value


def test_the_report_has_bars_and_the_same_figures_as_a_table(finished):
    (section,) = bars([finished])
    (table,) = section.tables
    assert [row[0] for row in table.rows] == ["control:vlm-clean", "control:vlm-blind"]
    share = of(finished, "vlm-clean")["text share"].value
    assert table.rows[0][1].startswith(f"{share:.3f} [")
    assert section.charts[0]["data"]["values"][0]["end"] == pytest.approx(share)
    assert "What answers rest on" in render([finished])
