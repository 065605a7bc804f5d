"""Whole runs of the tasks whose data are not here, on files of the same layout."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run

WORDS = {"stereotype": "tired", "anti-stereotype": "late", "unrelated": "red"}


@pytest.fixture
def folder(tmp_path):
    """StereoSet's dev.json and HolisticBias's lists, in the control's few words."""
    items = [
        {
            "id": job,
            "target": job,
            "bias_type": "profession",
            "context": f"the {job} said that she was BLANK .",
            "sentences": [
                {"id": label, "gold_label": label, "labels": [],
                 "sentence": f"the {job} said that she was {word} ."}
                for label, word in WORDS.items()
            ],
        }
        for job in ("nurse", "guard", "pilot", "smith")
    ]  # fmt: skip
    lists = {
        "descriptors": {
            "colour": {"plain": ["red", "blue", "green"]},
            "nonce": {"x": ["ban", "den"]},
        },
        "nouns": {"neutral": [[f"{n}", f"{n}s"] for n in ("dog", "cat", "horse", "cow", "fox")]},
        "sentence_templates": {"the dog sees {noun_phrase} .": {}, "she likes {noun_phrase} .": {}},
    }
    (tmp_path / "stereoset").mkdir()
    (tmp_path / "stereoset" / "dev.json").write_text(
        json.dumps({"data": {"intrasentence": items, "intersentence": []}})
    )
    (tmp_path / "holistic_bias" / "v1.1").mkdir(parents=True)
    for name, content in lists.items():
        (tmp_path / "holistic_bias" / "v1.1" / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def estimates_of(task: str, folder) -> dict[str, dict]:
    command = ["run", f"task:{task}", "-m", "control:text-clean", "--set", f"data={folder}"]
    assert run([*command, "--output", str(folder / task)]) == 0
    (job,) = json.loads((folder / task / "estimates.json").read_text())["jobs"]
    return {e["metric"]: e for e in job["estimates"] if not e["slice"]}


def test_stereoset_runs_by_name(folder):
    found = estimates_of("stereoset", folder)
    # "was red" never follows in the control's world, "was tired" and "was late" do
    assert found["language modelling score"]["value"] == 100.0
    assert found["stereotype score"]["n"] == 4


def test_holistic_bias_runs_by_name(folder):
    found = estimates_of("holistic-bias", folder)["likelihood bias"]
    assert found["n"] == 3 * 2 * 5  # the nonce axis is no part of it
    assert found["null"]["value"] == 0.05
