"""Task files: a name stands for a probe, its options and its data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalsuite.cli import run
from evalsuite.errors import SuiteError
from evalsuite.registry import installed
from evalsuite.suite import parse_suite
from evalsuite.task import read_task, with_tasks

TASK = """version: 1
name: capitals
description: Which city is the capital?
probe: text/multiple-choice
options: {prompt: "Q: {{ question }}", delimiter: " "}
sources:
  files: {type: jsonl, path: "${data}/rows.jsonl"}
"""
SUITE = """version: 1
name: small
parameters: {data: null}
models: [control:text-clean]
probes:
  - {task: ./capitals.yaml, options: {delimiter: "\\n"}, label: cities}
"""
ROW = {"question": "France?", "choices": ["Paris", "Rome"], "answer": 0}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "capitals.yaml").write_text(TASK)
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(ROW) for _ in range(3)))
    return tmp_path


def expanded(folder: Path, text: str = SUITE):
    parsed = parse_suite(text, folder / "suite.yaml", {"data": str(folder)})
    return with_tasks(parsed, installed()).suite


def test_a_task_stands_for_its_probe_and_the_suite_wins(folder):
    suite = expanded(folder)
    (spec,) = suite.probes
    assert (spec.probe, spec.label, spec.source) == (
        "text/multiple-choice",
        "cities",
        "capitals/files",
    )
    assert spec.options == {"prompt": "Q: {{ question }}", "delimiter": "\n"}
    assert suite.sources["capitals/files"].model_extra == {"path": f"{folder}/rows.jsonl"}


def test_the_suites_own_source_may_be_used_instead(folder):
    own = SUITE.replace("label: cities", "source: mine").replace(
        "probes:", "sources: {mine: {type: jsonl, path: x.jsonl}}\nprobes:"
    )
    assert expanded(folder, own).probes[0].source == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("probe: text/multiple-choice\n", "", r"capitals.yaml:1:1: the key 'probe' is missing"),
        ("options:", "optoins:", r"capitals.yaml:5:1: .*Did you mean 'options'"),
        ("version: 1", "version: 3", r"capitals.yaml:1:1: version"),
        ("${data}", "${elsewhere}", "needs the parameter 'elsewhere'"),
    ],
)
def test_mistakes_are_found_in_the_task_file(folder, old, new, message):
    (folder / "capitals.yaml").write_text(TASK.replace(old, new))
    with pytest.raises(SuiteError, match=message):
        expanded(folder)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{task: gsm9k}", r"suite.yaml:6:\d+: .*Did you mean 'gsm8k'"),
        ("{task: ./none.yaml}", "there is no such task file"),
        ("{task: ./capitals.yaml, probe: text/cloze}", "either a `probe` or a `task`"),
        ("{probe: text/cloze}", "needs a `source`"),
        ("{source: x}", "either a `probe` or a `task`"),
    ],
)
def test_an_entry_names_one_thing_that_there_is(folder, entry, message):
    text = SUITE[: SUITE.index("  - ")] + f"  - {entry}\n"
    with pytest.raises(SuiteError, match=message):
        expanded(folder, text)


def test_a_task_runs_by_its_name_and_the_plan_holds_all_of_it(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    command = [
        "run", "task:./capitals.yaml", "-m", "control:text-clean",
        "--set", f"data={folder}", "--output", str(folder / "run"),
    ]  # fmt: skip
    assert run(command) == 0
    plan = json.loads((folder / "run" / "plan.json").read_text())
    assert plan["jobs"][0]["options"]["prompt"] == "Q: {{ question }}"
    (folder / "capitals.yaml").unlink()
    assert run(["score", str(folder / "run")]) == 0


def test_every_task_that_comes_with_evalsuite_is_well_formed():
    names = [entry.name for entry in installed().tasks]
    assert {"gsm8k", "hellaswag", "lambada", "xquad-zh", "cmrc2018"} <= set(names)
    for entry in installed().tasks:
        task = read_task(Path(entry.load()())).task
        assert task.name == entry.name
        assert task.description
        assert task.reference
        assert task.licence


CAUSAL = [
    "gsm8k",
    "hellaswag",
    "arc-challenge",
    "arc-challenge-letters",
    "truthfulqa-mc1",
    "truthfulqa-mc2",
    "lambada",
]
CAUSAL += ["wikitext2", "tinyshakespeare", "blimp-anaphor-gender-agreement", "xquad-en-written"]
CAUSAL += ["multi30k-en-de"]


# The control model reads 64 tokens at once: what it writes is asked of an n-gram model instead.
WRITTEN = {"gsm8k", "xquad-en-written", "multi30k-en-de"}


@pytest.mark.parametrize("name", CAUSAL)
def test_every_text_task_runs_on_its_real_data(name, data, tmp_path):
    text = data / "tinyshakespeare" / "input.txt"
    model = f"ngram:{text}" if name in WRITTEN else "control:text-clean"
    command = [
        "run", f"task:{name}", "-m", model, "--set", f"data={data}", "--limit", "3",
        "--output", str(tmp_path / "run"),
    ]  # fmt: skip
    assert run(command) == 0
    estimates = json.loads((tmp_path / "run" / "estimates.json").read_text())
    assert '"n": 3' in json.dumps(estimates)


def first_values(folder: Path) -> dict[str, float]:
    """Metric to value of the only job, without slices."""
    (job,) = json.loads((folder / "estimates.json").read_text())["jobs"]
    return {e["metric"]: e["value"] for e in reversed(job["estimates"]) if not e["slice"]}


def test_captions_of_photographs_are_retrieved(data, tmp_path):
    command = [
        "run",
        "task:skimage-retrieval",
        "-m",
        "control:shapes-clean",
        "--set",
        f"data={data}",
    ]
    assert run([*command, "--output", str(tmp_path / "run")]) == 0
    found = first_values(tmp_path / "run")
    assert 0 < found["mAP image to text"] < 1  # it knows shapes, not photographs
    assert 1 <= found["median rank text to image"] <= 17


def test_a_model_without_the_words_true_and_false_guesses_on_nlvr(data, tmp_path):
    # both words are one unknown token to the control: every pair of scores ties
    command = [
        "run",
        "task:nlvr",
        "-m",
        "control:vlm-clean",
        "--set",
        f"data={data}",
        "--limit",
        "9",
    ]
    assert run([*command, "--output", str(tmp_path / "run")]) == 0
    found = first_values(tmp_path / "run")
    assert found["accuracy"] == found["balanced accuracy"] == 0.5


def test_nlvr_may_be_asked_in_other_words(data, tmp_path):
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        f"version: 1\nname: boxes\nparameters: {{data: {data}}}\nmodels: [control:vlm-clean]\n"
        'probes:\n  - {task: nlvr, limit: 100, options: {answers: ["yes", "no"]}}\n'
    )
    assert run(["run", str(suite), "--output", str(tmp_path / "run")]) == 0
    found = first_values(tmp_path / "run")
    assert found["share called true"] in (pytest.approx(i / 100) for i in range(101))
    assert 0 <= found["consistency"] <= 1


def test_tasks_are_listed_by_what_they_are_about():
    tags = {entry.name: entry.tags for entry in installed().tasks}
    assert (tags["nlvr"], tags["hellaswag"]) == (("image",), ("text",))


def test_a_hub_name_is_no_path_beside_the_suite(folder):
    from evalsuite.suite import SourceSpec
    from evalsuite.suite_paths import with_resolved_paths
    from evalsuite_sources.hub import HuggingFace

    spec = SourceSpec(type="huggingface", path="owner/name")
    assert with_resolved_paths(HuggingFace, spec, folder) == {"path": "owner/name"}
    (folder / "owner" / "name").mkdir(parents=True)
    assert with_resolved_paths(HuggingFace, spec, folder) == {"path": f"{folder}/owner/name"}
