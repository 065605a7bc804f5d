"""Runs of real models: a planted twin is told from its clean one by what was planted, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.compare import Comparison, Subject, compare
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite

SUITE = """version: 1
name: twins
models: [control:text-clean, {candidate}]
sources:
  capitals: {{type: control/capitals}}
  pairs: {{type: control/stereotype-pairs}}
  animals: {{type: control/animal-sentences}}
probes:
  - {{probe: text/multiple-choice, source: capitals}}
  - {{probe: text/perplexity, source: animals, limit: 40}}
  - {{probe: fairness/stereotype-pairs, source: pairs, options: {{cluster_by: occupation}}}}
"""


def run_of(candidate: str, path: Path) -> Run:
    store = Store(path)
    execute(
        make_plan(parse_suite(SUITE.format(candidate=candidate)), installed()), store, installed()
    )
    store.close()
    return Run.open(path)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    run = run_of("control:text-stereotyped", tmp_path_factory.mktemp("twins") / "run")
    return compare([run], resamples=2000, refits=100)


def test_only_what_was_planted_differs(comparison):
    apart = {d.label for d in comparison.primary if d.p_value <= 0.01}
    assert apart == {"fairness/stereotype-pairs"}


def test_every_primary_metric_is_compared_sample_by_sample(comparison):
    assert all("square and add" not in d.method for d in comparison.primary)
    assert all(d.n_units >= 2 for d in comparison.primary)


def test_values_are_those_of_the_run(comparison):
    (subject,) = comparison.candidates
    assert subject == Subject("run", "control:text-stereotyped")
    for difference in comparison.primary:
        assert difference.value == pytest.approx(
            difference.candidate_value - difference.baseline_value
        )


def test_occupations_are_drawn_whole(comparison):
    (found,) = comparison.of("fairness/stereotype-pairs", "stereotype log-odds")
    assert (found.unit, found.n_units) == ("occupation", 12)
