"""Logs of other harnesses become runs; the lm-eval log is written here by its own command line."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from pathlib import Path

import pytest

from evalsuite.cli import run as evalsuite
from evalsuite.errors import DataError
from evalsuite.store import Run
from evalsuite_lm_eval.imported.reading import read_logs

LOGS = Path(__file__).parent / "logs"  # written by Inspect 0.3.285 with its mock model


def imported(*arguments) -> Run:
    assert evalsuite(["import-log", "-q", *map(str, arguments)]) == 0
    return Run.open(arguments[arguments.index("-o") + 1])


def refused(*arguments) -> str:
    with pytest.raises(DataError) as caught:
        read_logs([Path(argument) for argument in arguments])
    return str(caught.value)


@pytest.fixture(scope="module")
def harness_log(gpt2_directory, toy_tasks, tmp_path_factory) -> Path:
    """What `lm_eval run --output_path ... --log_samples` leaves.

    Its standard errors are bootstrapped 100,000 times, which no option of the command changes and
    which takes minutes; a hundred times is enough to be read back.
    """
    from lm_eval.api import metrics

    from evalsuite_lm_eval.harness_command import run_harness

    bootstrap = metrics.bootstrap_stderr
    folder = tmp_path_factory.mktemp("log")
    names = "toy_group,toy_last_word,toy_rolling,toy_generate"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(metrics, "bootstrap_stderr", lambda f, xs, iters: bootstrap(f, xs, 100))
        code = run_harness(
            f"run --model hf --model_args pretrained={gpt2_directory},dtype=float32 --tasks {names} "
            f"--include_path {toy_tasks} --output_path {folder} --log_samples --device cpu".split()
        )
    assert code == 0
    return folder


@pytest.fixture(scope="module")
def published(harness_log) -> dict:
    (file,) = harness_log.rglob("results_*.json")
    return json.loads(file.read_text())


def test_every_number_is_the_one_the_harness_published(harness_log, published, tmp_path):
    run = imported(harness_log, "-o", tmp_path / "run")
    found = {(job.label, e.metric): e.value for job in run.results for e in job.estimates}
    expected = {
        (task, key): value
        for task, row in published["results"].items()
        for key, value in row.items()
        if "," in key and "_stderr" not in key and isinstance(value, float)
    }
    assert len(expected) >= 12
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-9)


def test_intervals_resample_the_samples_of_the_log(harness_log, tmp_path):
    run = imported(harness_log, "-o", tmp_path / "run")
    methods = {job.label: job.estimates[0] for job in run.results}
    assert methods["toy_choice"].method.startswith("Clopper")
    assert methods["toy_choice"].null.value == 0.25  # four choices
    perplexity = methods["toy_rolling"]  # words in all: the totals' ratio is resampled
    assert perplexity.low < perplexity.value < perplexity.high
    # a group has no samples of its own: its published standard error speaks
    assert methods["toy_group"].method.startswith("as published")
    assert methods["toy_group"].n == 18


def test_samples_pair_with_those_of_a_run_of_ours(harness_log, toy_tasks, tmp_path):
    """Equal documents of equal tasks have equal content hashes, whoever asked them."""
    from evalsuite_lm_eval.source import TaskDocuments

    run = imported(harness_log, "-o", tmp_path / "run")
    job = next(job for job in run.results if job.label == "toy_choice")
    theirs = [row.content_hash for row in run.samples(job.id)]
    own = TaskDocuments(task="toy_choice", include_path=str(toy_tasks))
    assert theirs == [sample.content_hash for sample in own.rows()]


def test_records_hold_prompt_answer_and_target(harness_log, tmp_path):
    run = imported(harness_log, "-o", tmp_path / "run")
    job = next(job for job in run.results if job.label == "toy_generate")
    record = next(iter(run.samples(job.id))).record
    assert record["prompt"] == "What is 0 and 0?"
    assert record["target"] == "0"
    assert "answer" in record


def test_a_log_without_samples_keeps_its_published_numbers(harness_log, published, tmp_path):
    (file,) = harness_log.rglob("results_*.json")
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(file, alone)
    run = imported(alone, "-o", tmp_path / "run")
    estimate = next(job for job in run.results if job.label == "toy_choice").estimates[0]
    row = published["results"]["toy_choice"]
    assert estimate.value == row["acc,none"]
    # mean -+ 1.96 standard errors
    half = 1.959964 * row["acc_stderr,none"]
    assert estimate.high - estimate.value == pytest.approx(half, abs=1e-6)
    assert estimate.n == 12
    assert "no samples" in estimate.method


def test_a_number_that_the_samples_contradict_gets_no_interval_of_ours(harness_log, tmp_path):
    folder = shutil.copytree(harness_log, tmp_path / "edited")
    (file,) = folder.rglob("results_*.json")
    document = json.loads(file.read_text())
    document["results"]["toy_choice"]["acc,none"] = 0.99
    file.write_text(json.dumps(document))
    run = imported(folder, "-o", tmp_path / "run")
    estimate = next(job for job in run.results if job.label == "toy_choice").estimates[0]
    assert estimate.value == 0.99
    assert "do not reproduce" in estimate.method


def test_the_report_shows_an_imported_run(harness_log, tmp_path):
    run = imported(harness_log, LOGS, "-o", tmp_path / "run")
    page = tmp_path / "page.html"
    assert evalsuite(["report", str(run.path), "-o", str(page)]) == 0
    text = page.read_text()
    for shown in ("toy_rolling", "sums", "lm-evaluation-harness", "Inspect"):
        assert shown in text, shown


def test_scoring_again_changes_nothing(harness_log, tmp_path):
    run = imported(harness_log, "-o", tmp_path / "run")
    before = [repr(job.estimates) for job in run.results]
    assert evalsuite(["score", str(run.path)]) == 0
    assert [repr(job.estimates) for job in Run.open(run.path).results] == before


def test_no_key_of_a_model_argument_is_kept(harness_log, tmp_path):
    folder = shutil.copytree(harness_log, tmp_path / "keyed")
    (file,) = folder.rglob("results_*.json")
    document = json.loads(file.read_text())
    document["config"]["model_args"]["api_key"] = "hunter2"
    file.write_text(json.dumps(document))
    run = imported(folder, "-o", tmp_path / "run")
    for path in run.path.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()


# ------------------------------------------------------------------------------------------------
# Inspect
# ------------------------------------------------------------------------------------------------


def test_inspect_values_are_read_as_its_metrics_read_them(tmp_path):
    run = imported(LOGS / "sums.json", "-o", tmp_path / "run")
    (job,) = run.results
    found = {e.metric: e for e in job.estimates}
    assert found["match/accuracy"].value == pytest.approx(4 / 6)  # "I cannot tell" at 0 and 3
    assert found["length/mean"].value == pytest.approx(55 / 6)  # 2 x 13 + 4 x 7 or 8 letters
    assert found["polite/accuracy"].value == pytest.approx(4 / 6)
    assert found["match/accuracy"].n == 6
    assert not math.isnan(found["match/accuracy"].low)


def test_epochs_are_reduced_before_anything_is_resampled(tmp_path):
    run = imported(LOGS / "picks.eval", "-o", tmp_path / "run")
    estimate = run.results[0].estimates[0]
    assert (estimate.value, estimate.n) == (0.6, 5)  # five samples, two epochs each


def test_a_zip_packed_in_the_old_way_reads_alike(tmp_path):
    from evalsuite_lm_eval.imported.archive import Archive

    path = tmp_path / "old.eval"
    with Archive(LOGS / "picks.eval") as packed, zipfile.ZipFile(path, "w") as old:
        for name in packed.names:
            old.writestr(name, json.dumps(packed.json(name)), zipfile.ZIP_DEFLATED)
    (mine,), (theirs,) = read_logs([path]), read_logs([LOGS / "picks.eval"])
    assert mine.tasks == theirs.tasks


def test_a_sample_with_an_error_is_a_failure_and_no_wrong_answer(tmp_path):
    document = json.loads((LOGS / "sums.json").read_text())
    document["samples"][0] |= {"error": {"message": "the sandbox died"}, "scores": {}}
    document |= {"reductions": None, "results": None, "status": "error"}
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(document))
    code = evalsuite(["import-log", "-q", str(path), "-o", str(tmp_path / "run")])
    assert code == 3  # more than a tenth of the samples failed
    (job,) = Run.open(tmp_path / "run").results
    assert job.n_failed == 1
    found = {e.metric: e for e in job.estimates}
    assert found["match/mean"].value == pytest.approx(4 / 5)
    row = next(iter(Run.open(tmp_path / "run").samples(job.id)))
    assert "the sandbox died" in row.reason


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------


def test_a_folder_without_logs_is_refused(tmp_path):
    assert "no log in this folder" in refused(tmp_path)


def test_another_json_file_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("{}")
    assert "neither a results file" in refused(path)


def test_a_task_that_a_model_has_twice_is_refused(tmp_path):
    twice = shutil.copy(LOGS / "sums.json", tmp_path / "again.json")
    assert "both hold 'sums'" in refused(LOGS / "sums.json", twice)


def test_a_damaged_line_is_named(harness_log, tmp_path):
    folder = shutil.copytree(harness_log, tmp_path / "damaged")
    (samples,) = folder.rglob("samples_toy_other_*.jsonl")
    lines = samples.read_text().splitlines()
    samples.write_text("\n".join([lines[0], lines[1][:40]]))
    assert f"{samples}:2:1" in refused(folder)


def test_a_line_separator_inside_an_answer_ends_no_line(harness_log, tmp_path):
    folder = shutil.copytree(harness_log, tmp_path / "separated")
    (samples,) = folder.rglob("samples_toy_other_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    rows[0]["target"] = "one\u2028two\x85three"
    samples.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    (log,) = read_logs([folder])
    (task,) = [task for task in log.tasks if task.name == "toy_other"]
    assert task.documents[0].target == "one\u2028two\x85three"


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "half.eval"
    path.write_bytes((LOGS / "picks.eval").read_bytes()[:9000])
    assert "cannot be read as an archive" in refused(path)


# ------------------------------------------------------------------------------------------------
# Comparison
# ------------------------------------------------------------------------------------------------


def edited(log: Path, folder: Path, edit) -> Path:
    """A copy of the log of another model, whose every choice an edit has changed."""
    shutil.copytree(log, folder)
    (results,) = folder.rglob("results_*.json")
    document = json.loads(results.read_text())
    (samples,) = folder.rglob("samples_toy_choice_*.jsonl")
    rows = [edit(json.loads(line)) for line in samples.read_text().splitlines()]
    samples.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)))
    accuracy = sum(row["acc"] for row in rows) / len(rows)
    document["results"]["toy_choice"]["acc,none"] = accuracy
    results.write_text(json.dumps(document))
    return folder


def test_imported_runs_compare_sample_by_sample(harness_log, tmp_path):
    from evalsuite.compare import compare

    def right(row):
        return row | {"acc": 1.0}

    first = imported(harness_log, "-o", tmp_path / "first")
    better = edited(harness_log, tmp_path / "edited", right)
    second = imported(better, "-o", tmp_path / "second")
    comparison = compare([first, second], resamples=500)
    (found,) = comparison.of("toy_choice", "acc,none")
    # nothing of theirs but the order of the samples and who was right has changed
    assert (found.n, found.candidate_value) == (12, 1.0)
    assert found.value == pytest.approx(1 - found.baseline_value)
    assert found.method == "Newcombe paired"
    assert found.extra["only_baseline"] == 0
    (perplexity,) = comparison.of("toy_rolling", "word_perplexity,none")
    assert (perplexity.value, perplexity.p_value) == (0.0, 1.0)
    assert perplexity.method.startswith("paired bootstrap of sums")


def test_two_logs_of_one_model_compare_on_the_command_line(harness_log, tmp_path, capsys):
    runs = [imported(harness_log, "-o", tmp_path / name) for name in ("first", "second")]
    capsys.readouterr()
    assert evalsuite(["compare", *(str(run.path) for run in runs), "--resamples", "200"]) == 0
    shown = capsys.readouterr().out
    assert "toy_choice: acc,none ↑" in shown
    assert "= not distinguishable" in shown
