"""All changes of a probe in a run: controls of known cost, stored, compared and resumed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evalsuite.store import Run

SUITE = """
version: 1
name: harder
models: ["control:classifier-clean", "control:classifier-shortcut"]
sources:
  reviews: {type: control/reviews, limit: 100}
probes:
  - probe: text/classification
    label: unharmed
    source: reviews
    variants: [control/unchanged]
  - probe: text/classification
    label: harmed
    source: reviews
    variants:
      - {variant: text/typos, rate: [0.1, 0.3]}
      - control/unchanged
      - control/permuted-labels
"""


def evaluate(*arguments: object) -> int:
    from evalsuite.cli import run

    return run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def harmed(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("harmed")
    (folder / "suite.yaml").write_text(SUITE)
    assert evaluate("run", folder / "suite.yaml", "-q", "-o", folder / "run") == 0
    return Run.open(folder / "run")


def result(run: Run, label: str, model: str = "control:classifier-clean"):
    return next(r for r in run.results if (r.label, r.model) == (label, model))


def estimate(run: Run, label: str, metric: str, **model: str):
    found = result(run, label, **model).estimates
    return next(e for e in found if (e.metric, e.slice) == (metric, ""))


def test_unchanged_data_cost_exactly_nothing(harmed):
    under = "unharmed under control/unchanged"
    for label, metric in (
        (under, "accuracy lost"),
        (under, "accuracy relative drop"),
        ("unharmed under all changes", "accuracy relative drop over changes"),
    ):
        found = estimate(harmed, label, metric)
        assert (found.value, found.low, found.high) == (0, 0, 0)
        assert found.verdict == "compatible with null"
    assert estimate(harmed, "unharmed under all changes", "consistency").value == 1
    worst = estimate(harmed, "unharmed under all changes", "accuracy in the worst case")
    assert worst.value == estimate(harmed, "unharmed", "accuracy").value


def test_after_other_samples_labels_all_is_chance(harmed):
    after = estimate(harmed, "harmed under control/permuted-labels", "accuracy")
    assert after.low < 0.5 < after.high
    assert estimate(harmed, "harmed", "accuracy").value > 0.9


def test_samples_that_were_changed_are_counted(harmed):
    assert estimate(harmed, "unharmed under control/unchanged", "samples changed").value == 0
    assert estimate(harmed, "harmed under text/typos 0.3", "samples changed").value > 0.9


def test_the_worst_case_is_no_better_than_any_change_and_leaves_out_what_leaves_no_answer(harmed):
    names = [c["name"] for c in result(harmed, "harmed under all changes").options["changes"]]
    assert names == ["text/typos 0.1", "text/typos 0.3", "control/unchanged"]
    worst = estimate(harmed, "harmed under all changes", "accuracy in the worst case").value
    every = [estimate(harmed, f"harmed under {name}", "accuracy").value for name in names]
    assert worst <= min(every)
    mean = estimate(harmed, "harmed under all changes", "accuracy over changes").value
    assert mean == pytest.approx(((every[0] + every[1]) / 2 + every[2]) / 2)


def test_a_sample_shows_its_clean_and_its_worst_question(harmed):
    rows = list(harmed.samples(result(harmed, "harmed under all changes").id))
    fallen = next(row for row in rows if row.record["worst_under"] == "text/typos 0.3")
    asked = [part["text"] for entry in fallen.exchange for part in entry["parts"]]
    assert len(asked) == 2
    assert asked[0] != asked[1]


def test_models_are_compared_on_all_changes(harmed):
    from evalsuite.compare import compare

    found = compare([harmed])
    (worst,) = found.of("harmed under all changes", "accuracy in the worst case")
    assert "paired" in worst.method
    assert "McNemar" in worst.test
    assert worst.n == 100
    (drop,) = found.of("harmed under all changes", "accuracy relative drop over changes")
    assert drop.test != ""
    assert not [note for note in found.notes if "all changes" in note.label]


def test_the_page_shows_it_beside_the_probes(harmed):
    from evalsuite.report.page import render

    page = render([harmed])
    assert "harmed under all changes" in page[page.index('id="scorecard"') :]
    assert "relative drop" in page


def copied(run: Run, folder: Path) -> tuple[Path, list[dict]]:
    copy = folder / "run"
    shutil.copytree(run.path, copy)
    return copy, jobs_of(copy)


def jobs_of(path: Path) -> list[dict]:
    return json.loads((path / "estimates.json").read_text())["jobs"]


def test_it_is_scored_anew_without_a_model(harmed, tmp_path):
    copy, before = copied(harmed, tmp_path)
    assert evaluate("score", copy) == 0
    assert [j["estimates"] for j in jobs_of(copy)] == [j["estimates"] for j in before]


def test_it_follows_anew_when_one_of_its_jobs_is_run_again(harmed, tmp_path):
    copy, before = copied(harmed, tmp_path)
    kept = [job for job in before if not job["label"].endswith("typos 0.3")]
    emptied = {"label": "harmed under all changes", "estimates": []}
    lost = [job | (emptied if job["label"] == emptied["label"] else {}) for job in kept]
    (copy / "estimates.json").write_text(json.dumps({"schema_version": 1, "jobs": lost}))
    assert evaluate("run", "--resume", copy, "-q") == 0
    assert [j["estimates"] for j in jobs_of(copy)] == [j["estimates"] for j in before]


POLICY = """
version: 1
name: robust
rules:
  - name: typos cost little
    label: {label} under all changes
    metric: accuracy relative drop over changes
    upper: {{max: 0.02}}
"""


@pytest.mark.parametrize(("label", "verdict"), [("unharmed", 0), ("harmed", 1)])
def test_it_is_gated_like_any_other(harmed, tmp_path, label, verdict):
    (tmp_path / "policy.yaml").write_text(POLICY.format(label=label))
    assert evaluate("gate", harmed.path, "--policy", tmp_path / "policy.yaml") == verdict


SOUNDS = """
version: 1
name: noisy
models: ["control:sounds-clean", "control:sounds-brittle"]
sources:
  sounds: {type: control/sounds, limit: 60}
probes:
  - probe: audio/zero-shot
    source: sounds
    options: {templates: ["this is a sound of {}"]}
    variants: [{variant: audio/white-noise, snr_db: [20, 5]}, {variant: audio/gain, gain_db: [-6]}]
"""


def test_the_brittle_twin_loses_more_than_the_clean_one(tmp_path):
    (tmp_path / "suite.yaml").write_text(SOUNDS)
    assert evaluate("run", tmp_path / "suite.yaml", "-q", "-o", tmp_path / "run") == 0
    run = Run.open(tmp_path / "run")
    label, drop = "audio/zero-shot under all changes", "accuracy relative drop over changes"
    clean = estimate(run, label, drop, model="control:sounds-clean")
    brittle = estimate(run, label, drop, model="control:sounds-brittle")
    assert brittle.low > clean.high
    assert brittle.verdict == "differs from null"
