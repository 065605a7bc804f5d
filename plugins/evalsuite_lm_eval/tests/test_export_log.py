"""A run written as a log of the harness reads back as what it was."""

from __future__ import annotations

import hashlib
import json
import math

import pytest

from evalsuite.cli import run as evalsuite
from evalsuite.store import Run
from evalsuite_lm_eval.imported.reading import read_logs

SUITE = """
version: 1
name: small
models: [control:text-clean, control:text-stereotyped]
sources:
  capitals: {type: control/capitals, limit: 9}
  pairs: {type: control/stereotype-pairs}
probes:
  - {probe: text/multiple-choice, source: capitals, label: capitals}
  - {probe: fairness/stereotype-pairs, source: pairs, label: pairs}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("original")
    (folder / "suite.yaml").write_text(SUITE)
    assert evalsuite(["run", str(folder / "suite.yaml"), "-q", "-o", str(folder / "run")]) == 0
    return Run.open(folder / "run")


@pytest.fixture(scope="module")
def log(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    assert evalsuite(["export", str(original.path), "--to", "lm-eval", "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def back(log, tmp_path_factory) -> Run:
    path = tmp_path_factory.mktemp("back") / "run"
    assert evalsuite(["import-log", str(log), "-q", "-o", str(path)]) == 0
    return Run.open(path)


def whole(run: Run) -> dict:
    return {
        (r.model.removeprefix("imported:"), r.label, e.metric.removesuffix(",none")): e
        for r in run.results
        for e in r.estimates
        if not e.slice and math.isfinite(e.value)
    }


def test_every_whole_estimate_comes_back(original, back):
    before, after = whole(original), whole(back)
    assert after.keys() == before.keys()
    for key, estimate in before.items():
        assert after[key].value == pytest.approx(estimate.value, abs=1e-12)
        assert after[key].direction in (estimate.direction, "neither")


def test_means_come_back_with_their_samples(original, back):
    before, after = whole(original), whole(back)
    key = ("control:text-clean", "capitals", "accuracy")
    assert after[key].method == before[key].method == "Clopper-Pearson"
    assert (after[key].low, after[key].high) == (before[key].low, before[key].high)
    assert after[key].n == 9


def test_other_metrics_come_back_as_published(original, back):
    """Half the interval is 1.96 standard errors, so that it comes back about as wide."""
    key = ("control:text-stereotyped", "pairs", "standardised effect")
    before, after = whole(original)[key], whole(back)[key]
    assert after.method.startswith("as published")
    assert after.high - after.low == pytest.approx(before.high - before.low)


def test_the_standard_error_of_a_mean_is_the_harnesss(original, log):
    from lm_eval.api.metrics import mean_stderr

    (file,) = log.glob("control__text-stereotyped/results_*.json")
    row = json.loads(file.read_text())["results"]["pairs"]
    (job,) = [r for r in original.results if r.label == "pairs" and "stereotyped" in r.model]
    values = [row.record["is_tie"] for row in original.samples(job.id)]
    assert 0 < row["ties,none"] < 1
    assert row["ties,none"] == pytest.approx(sum(values) / len(values))
    assert row["ties_stderr,none"] == pytest.approx(mean_stderr(values))


def test_a_line_has_the_keys_and_hashes_of_the_harness(log):
    (file,) = log.glob("control__text-clean/samples_capitals_*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["doc_id"] for line in lines] == list(range(9))
    line = lines[0]
    prompt = line["arguments"]["gen_args_0"]["arg_0"]
    assert line["prompt_hash"] == hashlib.sha256(prompt.encode()).hexdigest()
    assert line["arguments"]["gen_args_0"]["arg_1"].startswith(" ")
    assert len(line["resps"]) == len(line["filtered_resps"]) == 4
    assert line["filtered_resps"][0][1] in ("True", "False")
    assert line["metrics"][0] == "accuracy"
    assert line["accuracy"] in (0.0, 1.0)


def test_samples_that_may_hold_secrets_stay_at_home(original, log):
    assert [r.sensitive for r in original.results if r.label == "pairs"] == [True, True]
    assert not list(log.rglob("samples_pairs_*"))


def test_a_task_of_the_harness_keeps_its_own_names(toy_tasks, gpt2_directory, tmp_path):
    (tmp_path / "suite.yaml").write_text(
        f"version: 1\nname: toy\nmodels: ['hf:{gpt2_directory}']\nsources:\n"
        f"  toy: {{type: lm_eval, task: toy_choice, include_path: '{toy_tasks}'}}\n"
        "probes: [{probe: lm-eval/task, source: toy, label: toy_choice}]\n"
    )
    run, log, back = (str(tmp_path / name) for name in ("run", "log", "back"))
    assert evalsuite(["run", str(tmp_path / "suite.yaml"), "-q", "-o", run]) == 0
    assert evalsuite(["export", run, "--to", "lm-eval", "-o", log]) == 0
    assert evalsuite(["import-log", log, "-q", "-o", back]) == 0
    (before,), (after,) = Run.open(run).results, Run.open(back).results
    assert [e.metric for e in after.estimates] == [e.metric for e in before.estimates]
    assert after.estimates[0].metric == "acc,none"
    assert after.estimates[0].low == before.estimates[0].low


@pytest.mark.parametrize(
    "text",
    ["../../x", "a/b,c", "\u2028\x00\x1b[31m", "\udc80", "</script>", "=1+1", "", "x" * 400],
    ids=ascii,
)
def test_hostile_names_and_answers_come_back(text, tmp_path):
    from evalsuite.metric import Estimate
    from evalsuite.store import JobResult, SampleRow, Store
    from evalsuite_lm_eval.exported.log import export

    store = Store(tmp_path / "run")
    store.write_plan({"jobs": [], "models": [], "sources": []})
    estimate = Estimate(text, 0.5, 0.2, 0.8, is_primary=True)
    store.write_samples("job", [SampleRow(text, "h", "ok", record={text: 0.5, "target": text})])
    store.write_result(
        JobResult("job", f"m:{text}", "p", "task", "s", "finished", label=text, n_samples=1,
                  estimates=(estimate,))
    )  # fmt: skip
    store.close()
    from evalsuite.exports.files import write

    for path in write(export([Run.open(tmp_path / "run")]), tmp_path / "log"):
        assert path.resolve().is_relative_to((tmp_path / "log").resolve())
        assert not set(path.name) & set('<>:"|?*\x00\n')
    (log,) = read_logs([tmp_path / "log"])
    (task,) = log.tasks
    assert [metric.value for metric in task.metrics] == [0.5]
    assert task.documents[0].target == text
