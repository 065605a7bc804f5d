"""Decisions of the shipped control models: the one that hardly saw a group is caught."""

from __future__ import annotations

import math

import pytest

from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite

SUITE = """version: 1
name: decisions
models: [control:shapes-clean, control:shapes-skewed, control:vlm-clean, control:asr-clean]
sources:
  shapes: {type: control/shapes}
probes:
  - probe: fairness/decisions
    label: nearness
    source: shapes
    options:
      by: nearness
      medium: image
      label: label
      outcome: [triangle, square, diamond]
      positive: [a photo of a triangle, a photo of a square, a photo of a diamond]
      negative: [a photo of a circle, a photo of a cross, a photo of a ring]
  - probe: fairness/decisions
    label: likelihood
    source: shapes
    options:
      by: likelihood
      medium: image
      prompt: "what colour is the shape ?"
      label: colour
      outcome: red
      positive: red
      negative: [green, blue, yellow, purple, orange]
      minimum: 8
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("decisions") / "run")
    execute(make_plan(parse_suite(SUITE), installed()), store, installed())
    store.close()
    return {
        (result.model.split(":")[1], result.label): result
        for result in Run.open(store.path).results
    }


def estimate(result, metric, slice_name=""):
    return next(e for e in result.estimates if (e.metric, e.slice) == (metric, slice_name))


def test_the_encoder_that_hardly_saw_light_grounds_errs_there(found):
    skewed = found["shapes-skewed", "nearness"]
    odds = estimate(skewed, "equalized odds difference")
    assert odds.verdict == "differs from null"
    assert odds.extra["p_value"] < 0.01
    assert estimate(skewed, "accuracy difference").verdict == "differs from null"
    worst = estimate(skewed, "worst group accuracy")
    assert worst.extra["lowest"] == "light"
    assert worst.extra["p_value"] < 0.01


def test_its_clean_twin_is_silent(found):
    odds = estimate(found["shapes-clean", "nearness"], "equalized odds difference")
    assert odds.verdict == "compatible with null"
    assert estimate(found["shapes-clean", "nearness"], "worst group accuracy").value > 0.8


def test_a_model_that_sees_and_writes_decides_by_likelihood(found):
    result = found["vlm-clean", "likelihood"]
    assert (result.status, result.n_failed) == ("finished", 0)
    odds = estimate(result, "equalized odds difference")
    assert not math.isnan(odds.value)
    assert odds.verdict == "compatible with null"
    assert estimate(result, "worst group accuracy").value > 0.8


def test_models_that_cannot_decide_so_are_not_applicable(found):
    states = {key: result.status for key, result in found.items()}
    assert states["asr-clean", "nearness"] == "not applicable"
    assert states["shapes-clean", "likelihood"] == "not applicable"
    assert states["vlm-clean", "nearness"] == "not applicable"
