"""Whole runs on control models: resumable after kill -9, the same however they are batched."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalsuite import DeviceLostError, ModelError
from evalsuite.executor import LocalExecutor
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import Settings, execute, score
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite

SUITE = """version: 1
name: small
models: [control:text-clean]
sources:
  capitals: {type: control/capitals}
  pairs: {type: control/stereotype-pairs}
probes:
  - {probe: text/multiple-choice, source: capitals}
  - {probe: fairness/stereotype-pairs, source: pairs}
"""


def run_of(text: str, path: Path, **settings) -> Run:
    store = Store(path)
    plan = make_plan(parse_suite(text), installed())
    execute(plan, store, installed(), settings=Settings(**settings))
    store.close()
    return Run.open(path)


def values_of(run: Run) -> dict[tuple[str, str, str], float]:
    return {(r.label, e.metric, e.slice): e.value for r in run.results for e in r.estimates}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    return run_of(SUITE, tmp_path_factory.mktemp("runs") / "whole")


def test_batch_size_changes_no_estimate(whole, tmp_path):
    alone = run_of(SUITE, tmp_path / "one", executor=LocalExecutor(max_requests=1))
    assert values_of(alone) == pytest.approx(values_of(whole), abs=1e-5, nan_ok=True)


def test_other_probes_change_no_estimate(whole, tmp_path):
    only = "\n".join(line for line in SUITE.splitlines() if "multiple-choice" not in line)
    alone = run_of(only, tmp_path / "alone")
    # other requests in a batch round the last digits of a float32 sum otherwise, and no more:
    # every number of every sample agrees to 1e-5 nats
    for result in alone.results:
        pairs = list(zip(alone.samples(result.id), whole.samples(result.id), strict=True))
        assert pairs or not result.n_samples
        for mine, theirs in pairs:
            assert dict(mine.record) == pytest.approx(dict(theirs.record), abs=1e-5)
    # a standardised effect divides by the spread, which is 0.003 nats for the clean twin
    found = values_of(alone)
    assert found == pytest.approx({k: values_of(whole)[k] for k in found}, abs=2e-4, nan_ok=True)


def test_intervals_are_the_same_in_every_run(whole, tmp_path):
    again = run_of(SUITE, tmp_path / "again")
    assert [repr(r.estimates) for r in again.results] == [repr(r.estimates) for r in whole.results]


def test_scoring_again_needs_no_model(whole, tmp_path):
    run = run_of(SUITE, tmp_path / "run")
    before = values_of(run)
    store = Store(run.path)
    score(make_plan(parse_suite(SUITE), installed()), store, installed(), store.fingerprints())
    store.close()
    assert values_of(Run.open(run.path)) == before


def test_equal_questions_of_two_probes_are_asked_once(tmp_path):
    twice = SUITE + "  - {probe: text/multiple-choice, source: capitals, label: again}\n"
    run = run_of(twice, tmp_path / "twice")
    facts = run.manifest["models"]["control:text-clean"]
    single = run_of(SUITE, tmp_path / "single").manifest["models"]["control:text-clean"]
    assert facts["requests_answered_by_model"] == single["requests_answered_by_model"]


def test_a_killed_run_resumes_with_the_same_estimates(tmp_path):
    """kill -9 in the middle; then nothing that was stored is asked again."""
    path = tmp_path / "killed"
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        SUITE.replace("capitals}\n  pairs", "canaries}\n  pairs").replace(
            "{probe: text/multiple-choice, source: capitals}",
            "{probe: privacy/canary-exposure, source: capitals}",
        )
    )
    program = (
        "import sys, time, evalsuite.executor as e\n"
        "e.DEFAULT_MAX_REQUESTS = 8\n"
        "slow = e._answer_isolating\n"
        "e._answer_isolating = lambda m, b: (time.sleep(0.05), slow(m, b))[1]\n"
        "from evalsuite.cli import run\n"
        "e.LocalExecutor.__init__.__defaults__ = (e.DEFAULT_TOKEN_BUDGET, 8, None)\n"
        f"sys.exit(run(['run', {str(suite)!r}, '-q', '-o', {str(path)!r}]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ.copy())
    deadline = time.time() + 120
    while stored(path) < 80 and time.time() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_before = stored(path)
    assert n_before >= 80
    assert not (path / "manifest.json").exists()
    subprocess.run(
        [sys.executable, "-m", "evalsuite", "run", "--resume", str(path), "-q"], check=True
    )
    resumed = Run.open(path)
    facts = resumed.manifest["models"]["control:text-clean"]
    assert facts["requests_answered_by_model"] == stored(path) - n_before
    fresh = run_of(suite.read_text(), tmp_path / "fresh")
    assert values_of(resumed) == pytest.approx(values_of(fresh), abs=1e-4, nan_ok=True)


def test_the_garbage_collector_is_left_as_it_was(tmp_path):
    during = []

    def should_stop():
        during.append(gc.get_freeze_count())
        return True

    run_of(SUITE, tmp_path / "stopped", should_stop=should_stop)
    assert during[0] > 0
    assert gc.get_freeze_count() == 0


def test_a_run_whose_gpu_is_lost_keeps_its_answers_and_can_be_resumed(tmp_path, monkeypatch):
    from evalsuite_text.models.causal import CausalLanguageModel

    whole, asked = CausalLanguageModel.loglikelihood, []

    def losing(model, requests):
        asked.append(requests)
        if len(asked) == 2:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return whole(model, requests)

    path = tmp_path / "lost"
    monkeypatch.setattr(CausalLanguageModel, "loglikelihood", losing)
    with pytest.raises(DeviceLostError, match=f"run --resume {path}"):
        run_of(SUITE, path, executor=LocalExecutor(token_budget=64))
    lost = Run.open(path)
    assert {result.status for result in lost.results} == {"interrupted"}
    assert not lost.manifest["complete"]
    n_before = stored(path)
    assert n_before > 0
    resumed = run_of(SUITE, path)
    facts = resumed.manifest["models"]["control:text-clean"]
    assert facts["requests_answered_by_model"] == stored(path) - n_before
    fresh = run_of(SUITE, tmp_path / "fresh")
    assert values_of(resumed) == pytest.approx(values_of(fresh), abs=1e-4, nan_ok=True)


def test_a_gpu_that_is_lost_while_loading_costs_no_later_model_its_jobs(tmp_path, monkeypatch):
    from evalsuite_text.models.causal import Loader

    def losing(loader, reference, settings):
        cause = RuntimeError("CUDA error: device-side assert triggered")
        raise ModelError("it could not be loaded") from cause

    monkeypatch.setattr(Loader, "load", losing)
    with pytest.raises(DeviceLostError, match="loading control:text-clean"):
        run_of(SUITE, tmp_path / "lost")
    assert {result.status for result in Run.open(tmp_path / "lost").results} == {"interrupted"}


def stored(path: Path) -> int:
    """How many answers a run directory holds."""
    database = path / "responses.sqlite"
    if not database.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM responses").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


MISNAMED = """version: 1
name: misnamed
models: [control:classifier-clean]
sources: {reviews: {type: control/reviews}}
probes:
  - {probe: text/classification, source: reviews, limit: 3, options: {labels: {happy: positive}}}
"""


def test_a_mistake_that_every_sample_meets_is_told_whole(tmp_path):
    (result,) = run_of(MISNAMED, tmp_path / "run").results
    assert result.status == "failed"
    assert "3 of 3 like this: cannot be used: labels: " in result.reason
    assert "happy" in result.reason
