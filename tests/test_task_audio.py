"""The audio tasks that come with evalsuite, on their real data."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from evalsuite.cli import run
from evalsuite.registry import installed


def asked(name: str, model: str, data: Path, folder: Path, *options: str) -> list[Any]:
    """The jobs of a run, with their estimates."""
    command = ["run", name, "-m", model, "--set", f"data={data}", "--output", str(folder)]
    assert run([*command, *options]) == 0
    jobs: list[Any] = json.loads((folder / "estimates.json").read_text())["jobs"]
    return jobs


def values(job: Any) -> dict[str, Any]:
    """The figures over all samples, by metric."""
    return {e["metric"]: e for e in reversed(job["estimates"]) if not e["slice"]}


def records(folder: Path, job: Any) -> list[dict[str, Any]]:
    rows = parquet.read_table(folder / "samples" / f"{job['id']}.parquet").to_pylist()
    return [json.loads(row["record"]) for row in rows]


LANGUAGES = ("en", "de", "fr", "es", "pt")


def test_audio_tasks_are_listed_as_such():
    tags = {entry.name: entry.tags for entry in installed().tasks}
    names = {name for name, tag in tags.items() if tag == ("audio",)}
    assert names >= {"fsdd", "esc10-zero-shot", "esc10-knn", "esc10-linear-probe"}
    assert names >= {f"fleurs-{language}" for language in LANGUAGES}


def test_every_esc10_task_runs_on_its_real_clips(data, tmp_path):
    jobs = asked("esc10", "control:sounds-clean", data, tmp_path / "run", "--limit", "16")
    assert [values(job)["accuracy"]["n"] for job in jobs] == [16] * 3


@pytest.mark.slow
def test_real_sounds_are_told_apart_by_what_a_control_learnt_of_made_ones(data, tmp_path):
    # It knows ten kinds of synthesised sounds, none of these: its words are of no use, its vectors
    # of some. Ten classes of eight clips: chance is 0.1, and 8 - 1 of 79 for neighbours.
    zero_shot, neighbours, linear = asked("esc10", "control:sounds-clean", data, tmp_path / "run")
    assert [values(job)["accuracy"]["n"] for job in (zero_shot, neighbours, linear)] == [80] * 3
    assert values(zero_shot)["accuracy"]["value"] < 0.3
    assert values(neighbours)["accuracy"]["value"] > 0.15
    assert values(linear)["accuracy"]["value"] > 0.15


@pytest.fixture(scope="module")
def spoken_digits(data, tmp_path_factory):
    """The suite fsdd on its first twelve clips: the folder, and both jobs."""
    pytest.importorskip("pocketsphinx")
    folder = tmp_path_factory.mktemp("fsdd") / "run"
    return folder, asked("fsdd", "pocketsphinx:en-us", data, folder, "--limit", "12")


@pytest.mark.parametrize(
    ("place", "metric", "column"),
    [
        (0, "keyword accuracy (english v1, transformers {})", "correct"),
        (1, "word error rate (basic v1)", "errors"),  # of one word each
    ],
)
def test_spoken_digits_are_written_down_by_speaker(spoken_digits, place, metric, column):
    folder, jobs = spoken_digits
    metric = metric.format(version("transformers"))
    by_speaker = defaultdict(list)
    for record in records(folder, jobs[place]):
        by_speaker[record["speaker"]].append(record[column])
    # 30 clips of "zero" come first: five of each speaker
    assert {name: len(found) for name, found in by_speaker.items()} == {
        "george": 5,
        "jackson": 5,
        "lucas": 2,
    }
    expected = {f"speaker={name}": sum(found) / len(found) for name, found in by_speaker.items()}
    expected[""] = sum(map(sum, by_speaker.values())) / 12
    estimates = [e for e in jobs[place]["estimates"] if e["metric"] == metric]
    assert {e["slice"]: e["value"] for e in estimates} == pytest.approx(expected)


@pytest.mark.parametrize("n", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_a_model_of_tones_hears_no_digit(n, data, tmp_path):
    limit = ("--limit", str(n))
    (job,) = asked("task:fsdd", "control:asr-clean", data, tmp_path / "run", *limit)
    rate = values(job)["word error rate (basic v1)"]
    assert rate["n"] == n
    assert rate["value"] > 0.8


def test_every_fleurs_task_runs_on_its_real_data_under_the_rule_of_its_language(data, tmp_path):
    tasks = "".join(f"  - {{task: fleurs-{language}}}\n" for language in LANGUAGES)
    text = f"version: 1\nname: fleurs\nparameters: {{data: null}}\nprobes:\n{tasks}"
    (tmp_path / "suite.yaml").write_text(text)
    folder, suite = tmp_path / "run", str(tmp_path / "suite.yaml")
    jobs = asked(suite, "control:asr-clean", data, folder, "--limit", "2")
    english = f"english v1, transformers {version('transformers')}"
    for job, language in zip(jobs, LANGUAGES, strict=True):
        rule = english if language == "en" else "basic v1"
        found = values(job)[f"word error rate ({rule})"]
        assert (found["n"], found["is_primary"]) == (2, True)
        assert all(record["reference_words"] > 4 for record in records(folder, job))
