"""Adult and COMPAS: recorded rows, and rows told in sentences to a language model."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_difference, selection_rate

from evalsuite import Sample
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite
from evalsuite.testing import play
from evalsuite_fairness.decisions.recorded import RecordedDecisions
from evalsuite_fairness.metrics.disparities import KINDS


def samples_of(path):
    if not path.is_file():
        pytest.skip(f"no {path.name} here")
    with path.open(newline="", encoding="utf-8") as stream:
        return [Sample(str(i), row) for i, row in enumerate(csv.DictReader(stream))]


@pytest.fixture(scope="module")
def adult(data):
    return samples_of(data / "adult_german_ricci" / "adult.csv")


@pytest.fixture(scope="module")
def schooled(adult):
    """The rule "thirteen years of school or more" as a recorded decision about income."""
    probe = RecordedDecisions(
        prediction="education-num", threshold=13, label="income-per-year", outcome=">50K",
        group=("sex", "race"),
    )  # fmt: skip
    return play(probe, adult, lambda request: None)


def test_adult_by_sex_agrees_with_fairlearn(adult, schooled):
    decision = np.array([float(s["education-num"]) >= 13 for s in adult], int)
    truth = np.array([s["income-per-year"].strip() == ">50K" for s in adult], int)
    sex = np.array([s["sex"] for s in adult])
    wanted = demographic_parity_difference(truth, decision, sensitive_features=sex)
    found = schooled.estimate("demographic parity difference", "groups=sex")
    assert found.value == pytest.approx(wanted, abs=1e-9)
    assert found.low < found.value < found.high
    assert found.verdict == "differs from null"


def test_adult_by_sex_and_race_leaves_out_who_is_too_few(adult, schooled):
    frame = MetricFrame(
        metrics=selection_rate,
        y_true=[s["income-per-year"].strip() == ">50K" for s in adult],
        y_pred=[float(s["education-num"]) >= 13 for s in adult],
        sensitive_features=[f"{s['sex']} x {s['race']}" for s in adult],
    )
    rate = schooled.estimate("selection rate", "sex x race=Female x Black")
    assert rate.value == pytest.approx(frame.by_group["Female x Black"], abs=1e-9)
    # 12 women of American Indian descent earn that much: no true-positive rate of theirs counts
    odds = schooled.estimate("equalized odds difference")
    assert "Female x Amer-Indian-Eskimo" in odds.extra["left out"]
    assert odds.reason is None


def test_every_disparity_of_adult_has_a_null_and_an_adjusted_p_value(schooled):
    for name in KINDS:
        for slice_name in ("", "groups=sex", "groups=race"):
            found = schooled.estimate(name, slice_name)
            assert found.null is not None
            assert found.extra["null_sd"] > 0
            assert found.extra["p_value"] <= found.extra["p_adjusted"] <= 1


def test_compas_by_race_and_sex(data):
    samples = samples_of(data / "compas_two_years" / "compas-scores-two-years.deid.csv")
    probe = RecordedDecisions(
        prediction="decile_score", label="two_year_recid", group=("race", "sex"), threshold=5
    )
    played = play(probe, samples, lambda request: None)
    by_race = played.estimate("false positive rate", "race=African-American").value
    assert round(100 * by_race, 2) == 44.85  # as ProPublica printed it
    assert played.estimate("equalized odds difference").extra["highest"]


SUITE = """version: 1
name: adult
parameters: {{data: "{data}"}}
models: [control:text-clean, control:classifier-clean]
probes:
  - {{task: adult-income, limit: 240, options: {{minimum: 10}}}}
"""


def test_adult_in_sentences_is_judged_by_a_language_model(data, adult, tmp_path):
    store = Store(tmp_path / "adult")
    execute(make_plan(parse_suite(SUITE.format(data=data)), installed()), store, installed())
    store.close()
    run = Run.open(store.path)
    states = {result.model: result.status for result in run.results}
    assert states["control:classifier-clean"] == "not applicable"
    (result,) = (r for r in run.results if r.model == "control:text-clean")
    assert result.status == "partial"  # of a limited run
    (found,) = (
        e for e in result.estimates
        if (e.metric, e.slice) == ("demographic parity difference", "groups=sex")
    )  # fmt: skip
    assert (found.n, found.n_failed) == (240, 0)
    assert found.low <= found.value <= found.high
