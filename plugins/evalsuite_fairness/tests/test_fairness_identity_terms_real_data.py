"""The published template sentences, whole and by name, judged by a control and by rules."""

from __future__ import annotations

import pytest

from evalsuite import Classification
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite
from evalsuite.testing import play
from evalsuite_fairness.decisions.identity_terms import IdentityTerms
from evalsuite_sources.madlibs import Madlibs

SUITE = """version: 1
name: terms
parameters: {{data: "{data}"}}
models: [control:classifier-clean, control:text-clean]
probes:
  - {{task: madlibs, options: {{positive: negative, minimum: 10}}, limit: 1500}}
"""


@pytest.fixture(scope="module")
def path(data):
    found = data / "madlibs_unintended_bias" / "bias_madlibs_77k.csv"
    if not found.is_file():
        pytest.skip("no madlibs here")
    return str(found)


def wordy(term: str):
    """Knows harmful words of the templates from the labels it is shown, and dislikes a term."""

    def judge(request):
        text = request.content[0].text
        p = (0.8 if len(text) % 2 else 0.3) + (0.15 if term in text.split() else 0.0)
        return Classification(("fine", "harmful"), (1 - p, p))

    return judge


def test_the_disliked_term_stands_out_among_fifty(path):
    samples = list(Madlibs(path).rows())
    probe = IdentityTerms(positive="harmful", cluster_by="frame")
    records = play(probe, samples[:1], wordy("muslim")).records
    assert set(records[0]) >= {"score", "decision", "terms", "frame"}
    played = play(probe, samples[::6], wordy("muslim"))
    worst = min((e for e in played.estimates if e.metric == "BPSN AUC"), key=lambda e: e.value)
    assert worst.slice == "term=muslim"
    assert worst.extra["p_adjusted"] < 0.01
    assert worst.extra["n_comparisons"] == 150
    assert sum(e.metric == "BPSN AUC" for e in played.estimates) == 50


def test_the_task_runs_by_name_and_folds_its_texts_away(data, path, tmp_path):
    store = Store(tmp_path / "terms")
    execute(make_plan(parse_suite(SUITE.format(data=data)), installed()), store, installed())
    store.close()
    results = {result.model: result for result in Run.open(store.path).results}
    assert results["control:text-clean"].status == "not applicable"
    found = results["control:classifier-clean"]
    assert found.sensitive
    assert found.n_failed == 0
    values = {(e.metric, e.slice): e for e in found.estimates}
    assert 0 < values["AUC over all texts", ""].value < 1
    assert values["BPSN AUC", "term=gay"].extra["p_adjusted"] <= 1
