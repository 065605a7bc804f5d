"""A run that has not finished is shown as far as its answers go, and no further."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evalsuite.executor import LocalExecutor
from evalsuite.plan import Plan
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.report import render
from evalsuite.run import Settings, execute
from evalsuite.so_far import Progress, RunSoFar, open_so_far, progress
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite

SUITE = """version: 1
name: small
models: [control:text-clean, control:text-stereotyped]
sources:
  pairs: {type: control/stereotype-pairs}
probes:
  - {probe: fairness/stereotype-pairs, source: pairs}
"""


def run_into(path: Path, plan: Plan, n_batches: int | None = None) -> Run:
    """In small batches; stopped after some of them, as by Ctrl-C."""
    asked = iter(range(10**6))
    store = Store(path)
    settings = Settings(
        should_stop=lambda: n_batches is not None and next(asked) >= n_batches - 1,
        executor=LocalExecutor(token_budget=40),
    )
    execute(plan, store, installed(), settings=settings)
    store.close()
    return Run.open(path)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse_suite(SUITE), installed())


@pytest.fixture(scope="module")
def stopped(plan, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("stopped") / "run"
    run_into(path, plan, n_batches=5)
    return path


@pytest.fixture(scope="module")
def whole(plan, stopped, tmp_path_factory) -> Path:
    """The same run, resumed to its end."""
    path = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(stopped, path)
    run_into(path, plan)
    return path


def test_what_was_answered_is_as_in_the_finished_run(stopped, whole):
    run = open_so_far(stopped)
    (job, _) = run.results
    rows = list(run.samples(job.id))
    finished = {row.id: row for row in Run.open(whole).samples(job.id)}
    assert 0 < len(rows) < len(finished)
    for row in rows:
        assert row == finished[row.id]


def test_its_estimates_are_of_the_answered_samples(stopped):
    run = open_so_far(stopped)
    job = run.results[0]
    values = [row.record["log_odds"] for row in run.samples(job.id)]
    (found,) = [e for e in job.estimates if e.metric == "stereotype log-odds" and not e.slice]
    assert job.status == "partial"
    assert job.reason == f"{len(values)} of 60 samples so far"
    assert found.value == pytest.approx(sum(values) / len(values), abs=1e-9)


def test_samples_are_chosen_as_of_a_finished_run(stopped):
    run = open_so_far(stopped)
    (first, *_) = run.samples(run.results[0].id)
    (row,) = run.samples(
        run.results[0].id, only={(first.id, first.content_hash)}, with_exchange=False
    )
    assert row.id == first.id
    assert first.exchange
    assert not row.exchange


def test_a_model_that_was_not_asked_is_pending(stopped):
    job = open_so_far(stopped).results[1]
    assert (job.status, job.reason) == ("pending", "its model is not loaded yet")


def test_a_killed_run_is_shown_as_an_interrupted_one(stopped, tmp_path):
    """Neither manifest nor outcomes are there after kill -9."""
    killed = tmp_path / "run"
    shutil.copytree(stopped, killed)
    (killed / "manifest.json").unlink()
    (killed / "estimates.json").unlink()
    assert open_so_far(killed).results == open_so_far(stopped).results
    assert progress(open_so_far(killed)) == Progress(0, 2, False)


def test_a_finished_run_is_a_plain_run(whole):
    run = open_so_far(whole)
    assert not isinstance(run, RunSoFar)
    assert progress(run) == Progress(2, 2, True)


def test_a_job_whose_plugin_is_gone_is_pending_and_says_why(stopped, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(stopped, moved)
    text = (moved / "plan.json").read_text().replace("control/stereotype-pairs", "gone/pairs")
    (moved / "plan.json").write_text(text)
    job = open_so_far(moved).results[0]
    assert job.status == "pending"
    assert "gone/pairs" in job.reason


def test_the_page_says_what_is_missing_and_accuses_nobody(stopped):
    page = render([open_so_far(stopped)], allow_different_data=True)
    assert "not everything that was planned is measured" in page
    assert "Not compared" not in page
    assert "its model is not loaded yet" in page


def test_reading_changes_nothing(stopped):
    def files() -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in stopped.iterdir() if p.suffix == ".json"}

    before = files()
    open_so_far(stopped)
    assert files() == before
    assert json.loads(before["manifest.json"])["complete"] is False
