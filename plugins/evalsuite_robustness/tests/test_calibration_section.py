"""Reliability diagrams and risk curves in the report, with the same figures as tables."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run
from evalsuite.report import render
from evalsuite.store import Run
from evalsuite_robustness.calibration.section import diagrams

SUITE = """version: 1
name: sure
models: [control:classifier-clean]
sources: {reviews: {type: control/reviews, limit: 60}}
probes: [{probe: calibration/text-classification, source: reviews, options: {bins: 4}}]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sure")
    (folder / "sure.yaml").write_text(SUITE)
    assert run(["run", str(folder / "sure.yaml"), "--output", str(folder / "run")]) == 0
    return Run.open(folder / "run")


def test_each_probe_has_two_charts_and_their_tables(finished):
    (section,) = diagrams([finished])
    assert [chart["description"] for chart in section.charts] == [
        "calibration/text-classification: reliability diagrams",
        "calibration/text-classification: risk over coverage",
    ]
    bins, risks = section.tables
    assert sum(int(row[2]) for row in bins.rows) == 60
    drawn = json.dumps(section.charts[0])
    assert all(f'"count": {row[2]}' in drawn for row in bins.rows)
    assert len(risks.rows[0]) == len(risks.columns)


def test_the_page_draws_them_and_stays_the_same(finished):
    page = render([finished])
    assert "reliability diagrams" in page
    assert "errors among them" in page
    assert page == render([finished])


def test_runs_without_such_probes_have_no_section(finished):
    from dataclasses import replace

    others = tuple(replace(r, probe="text/classification") for r in finished.results)
    assert diagrams([replace(finished, results=others)]) == []
