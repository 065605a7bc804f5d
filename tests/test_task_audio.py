"""The audio tasks that come with evalsuite, on their real data."""

from __future__ import annotations

import json
from collections import defaultdict
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


def records(folder: Path) -> list[dict[str, Any]]:
    (path,) = (folder / "samples").glob("*.parquet")
    return [json.loads(row["record"]) for row in parquet.read_table(path).to_pylist()]


def test_audio_tasks_are_listed_as_such():
    tags = {entry.name: entry.tags for entry in installed().tasks}
    names = {name for name, tag in tags.items() if tag == ("audio",)}
    assert names >= {"fsdd", "esc10-zero-shot", "esc10-knn", "esc10-linear-probe"}
    assert names >= {f"fleurs-{language}" for language in ("en", "de", "fr", "es", "pt")}


def test_real_sounds_are_told_apart_by_what_a_control_learnt_of_made_ones(data, tmp_path):
    # It knows ten kinds of synthesised sounds, none of these: its words are of no use, its vectors
    # of some. Ten classes of eight clips: chance is 0.1, and 8 - 1 of 79 for neighbours.
    zero_shot, neighbours, linear = asked("esc10", "control:sounds-clean", data, tmp_path / "run")
    assert [values(job)["accuracy"]["n"] for job in (zero_shot, neighbours, linear)] == [80] * 3
    assert values(zero_shot)["accuracy"]["value"] < 0.3
    assert values(neighbours)["accuracy"]["value"] > 0.15
    assert values(linear)["accuracy"]["value"] > 0.15


def test_spoken_digits_are_written_down_by_speaker(data, tmp_path):
    pytest.importorskip("pocketsphinx")
    (job,) = asked("task:fsdd", "pocketsphinx:en-us", data, tmp_path / "run", "--limit", "12")
    rate = values(job)["word error rate (basic v1)"]
    assert rate["n"] == 12
    found = records(tmp_path / "run")
    by_speaker = defaultdict(list)
    for record in found:
        by_speaker[record["speaker"]].append(record)
    assert {name: len(said) for name, said in by_speaker.items()} == {
        "george": 5,
        "jackson": 5,
        "lucas": 2,
    }
    assert {record["reference"] for record in found} == {"zero"}  # 30 clips of each, in order
    errors = sum(record["errors"] for record in found)
    assert rate["value"] == pytest.approx(errors / 12)


def test_a_model_of_tones_hears_no_digit(data, tmp_path):
    (job,) = asked("task:fsdd", "control:asr-clean", data, tmp_path / "run")
    rate = values(job)["word error rate (basic v1)"]
    assert rate["n"] == 300
    assert rate["value"] > 0.8


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_every_fleurs_task_runs_on_its_real_data(language, data, tmp_path):
    name, folder = f"task:fleurs-{language}", tmp_path / "run"
    (job,) = asked(name, "control:asr-clean", data, folder, "--limit", "2")
    assert values(job)["word error rate (basic v1)"]["n"] == 2
    assert all(record["reference_words"] > 4 for record in records(folder))
