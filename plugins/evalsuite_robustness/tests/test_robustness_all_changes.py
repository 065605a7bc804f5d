"""All changes of a probe in a run: controls of known cost, stored, compared and resumed."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from evalsuite import Classification, Failure, Generation
from evalsuite.executor import LocalExecutor
from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import Settings, execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite

VLM = "control:vlm-clean"

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


GROUPED = """
version: 1
name: grouped
models: ["control:shapes-clean"]
sources:
  shapes: {type: control/shapes, limit: 80}
probes:
  - probe: fairness/image-zero-shot-gap
    source: shapes
    variants: [{variant: image/gaussian-noise, severity: [5]}]
"""


def test_a_probe_of_groups_tells_what_each_group_loses(tmp_path):
    """Its two groups have 40 samples each; the whole lies between them."""
    (tmp_path / "suite.yaml").write_text(GROUPED)
    assert evaluate("run", tmp_path / "suite.yaml", "-q", "-o", tmp_path / "run") == 0
    run, drop = Run.open(tmp_path / "run"), "accuracy relative drop over changes"
    over = result(run, "fairness/image-zero-shot-gap under all changes", "control:shapes-clean")
    found = {e.slice: e for e in over.estimates if e.metric == drop}
    low, high = sorted(e.value for name, e in found.items() if name.startswith("group="))
    assert low <= found[""].value <= high
    gap = next(e for e in over.estimates if e.metric == f"{drop} gap")
    assert gap.value == pytest.approx(high - low)
    assert gap.null.value > 0  # what permuted groups show


def answered_by(suite: str, path: Path, answer) -> Run:
    """A run whose answers come from a function of the request."""

    class Answers(LocalExecutor):
        def answer(self, model, requests, on_batch):
            on_batch({request.digest: answer(request) for request in requests})

    store = Store(path)
    plan = make_plan(parse_suite(suite), installed())
    execute(plan, store, installed(), settings=Settings(executor=Answers()))
    store.close()
    return Run.open(path)


WRITING = """
version: 1
name: writing
models: ["control:vlm-clean"]
sources:
  shapes: {type: control/shape-questions, limit: 9}
probes:
  - probe: vision/visual-question-answering
    label: written
    source: shapes
    options: {by: generation}
    variants: [{variant: text/wording, wording: [quoted, terse]}]
"""


def test_a_model_that_refuses_everything_is_neither_robust_nor_consistent(tmp_path):
    no = Generation("I cannot help with that.", 6, "stop")
    run = answered_by(WRITING, tmp_path / "run", lambda request: no)
    found = {e.metric: e for e in result(run, "written under all changes", VLM).estimates}
    assert found["accuracy in the worst case"].value == 0
    for name in ("accuracy relative drop over changes", "consistency"):
        assert math.isnan(found[name].value), name
        assert found[name].reason


def test_a_model_that_answers_nothing_has_no_figure_at_all(tmp_path):
    down = Failure("no answer", "the server is down")
    run = answered_by(WRITING, tmp_path / "run", lambda request: down)
    over = result(run, "written under all changes", VLM)
    assert (over.status, over.n_failed) == ("failed", 9)
    assert all(math.isnan(e.value) and e.reason for e in over.estimates)


def test_a_sample_that_fails_under_one_change_is_a_failure_that_names_it(tmp_path):
    """The terse wording begins with Now: and is not answered."""

    def answer(request):
        is_terse = any("Now: " in getattr(part, "text", "") for part in request.parts)
        return Failure("no answer", "too terse") if is_terse else Generation("A", 1, "stop")

    run = answered_by(WRITING, tmp_path / "run", answer)
    over = result(run, "written under all changes", VLM)
    reasons = {row.reason for row in run.samples(over.id)}
    assert reasons == {"not answered under every change: text/wording terse"}
    assert over.n_failed == 9


CONTRAST = """
version: 1
name: contrast
models: ["control:classifier-clean"]
sources:
  reviews: {type: csv, path: PATH, fields: {text: Text, label: Sentiment}}
probes:
  - probe: text/classification
    label: reviews
    source: reviews
    limit: 200
    options: {cluster_by: batch_id, labels: {positive: Positive, negative: Negative}}
    variants: [{variant: text/contrast-pair, pair: batch_id}]
"""


def test_real_contrast_pairs_flip_every_label_and_show_what_an_accuracy_hides(data, tmp_path):
    """Whoever answers both of a pair alike gets one of the two right: half, but no pair whole."""
    path = data / "cad_counterfactual" / "test_paired.tsv"
    if not path.exists():
        pytest.skip("no contrast pairs here")

    def answer(request):
        return Classification(("negative", "positive"), (0.25, 0.75))

    run = answered_by(CONTRAST.replace("PATH", str(path)), tmp_path / "run", answer)
    assert estimate(run, "reviews", "accuracy").value == 0.5
    assert estimate(run, "reviews under all changes", "accuracy in the worst case").value == 0
    clean, changed = (
        [row.record["target"] for row in run.samples(result(run, label).id)]
        for label in ("reviews", "reviews under text/contrast-pair pair=batch_id")
    )
    assert all(a != b for a, b in zip(clean, changed, strict=True))
