"""Whole runs: the suite on folders of texts, a run as reference, shadow models, the report."""

from __future__ import annotations

import json
import random

import pytest

from evalsuite.cli import run
from evalsuite.report import render
from evalsuite.store import Run
from evalsuite_controls.data import named_shapes, named_sounds
from evalsuite_controls.data.invented_names import nobody

WORDS = [
    a + b + "n" for a in ("ba", "de", "ki", "lo") for b in ("mu", "na", "pe", "ri", "so", "tu")
]
N = 80


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Random sentences, members trained on; a text file for each n-gram model."""
    root = tmp_path_factory.mktemp("privacy")
    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=12)) for _ in range(5 * N)]
    sides = {"members": texts[:N], "non-members": texts[N : 2 * N]}
    for side, some in sides.items():
        (root / side).mkdir()
        for number, text in enumerate(some):
            (root / side / f"{number}.txt").write_text(text)
    background = "\n".join(texts[2 * N : 3 * N] * 2)
    (root / "leaky.txt").write_text("\n".join([background, *sides["members"]]))
    (root / "clean.txt").write_text(background)
    rows = []
    trained_on: dict[str, list[str]] = {text: [] for text in texts[: 2 * N]}
    for number in range(6):
        chosen = draw.sample(texts[: 2 * N], N)
        (root / f"shadow{number}.txt").write_text("\n".join([background, *chosen]))
        for text in chosen:
            trained_on[text].append(f"shadow{number}")
    for side, some in sides.items():
        rows += [
            {"text": t, "member": side == "members", "trained_on": trained_on[t]} for t in some
        ]
    rows += [{"text": t, "member": False, "population": True} for t in texts[3 * N : 4 * N]]
    (root / "shadow.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def suite(folder, model: str, output: str, *more: str) -> dict[tuple[str, str], dict]:
    command = ["run", "privacy", "-m", f"ngram:{folder / model}.txt", "--output"]
    command += [str(folder / output), "--set", f"members={folder / 'members'}"]
    command += ["--set", f"non_members={folder / 'non-members'}", *more]
    assert run(command) == 0
    return estimates(folder / output, "privacy/membership-inference")


def estimates(output, probe: str) -> dict[tuple[str, str], dict]:
    jobs = json.loads((output / "estimates.json").read_text())["jobs"]
    (job,) = [job for job in jobs if job["probe"] == probe]
    return {(e["metric"], e["slice"]): e for e in job["estimates"]}


def test_the_suite_finds_the_leak_of_a_folder_of_texts_and_not_the_clean_models(folder):
    leaky = suite(folder, "leaky", "leaky-run")["leak beyond inputs", ""]
    clean = suite(folder, "clean", "clean-run")["leak beyond inputs", ""]
    assert leaky["verdict"] == "differs from null"
    assert leaky["value"] > 0.4
    assert clean["verdict"] == "compatible with null"


def test_a_run_serves_as_reference(folder):
    suite(folder, "clean", "reference-run")
    found = suite(folder, "leaky", "referred", "--set", f"reference={folder / 'reference-run'}")
    by_name = suite(folder, "leaky", "by-name", "--set", f"reference=ngram:{folder / 'clean.txt'}")
    key = ("attack AUC", "attack=reference")
    assert found[key]["value"] > 0.99
    assert found[key]["value"] == by_name[key]["value"]


def test_the_suite_extracts_beyond_a_reference_that_is_a_run_or_a_model(folder):
    lengths = ("--set", "prefix_words=4", "--set", "suffix_words=8")
    suite(folder, "clean", "words-reference", *lengths)
    for reference in (folder / "words-reference", f"ngram:{folder / 'clean.txt'}"):
        output = f"words-{'run' if reference == folder / 'words-reference' else 'model'}"
        suite(folder, "leaky", output, *lengths, "--set", f"reference={reference}")
        found = estimates(folder / output, "privacy/extraction")
        assert found["extraction beyond reference", ""]["value"] > 0.5
        assert found["extraction rate", "trained on=no"]["value"] < 0.1
        sampled = estimates(folder / output, "privacy/discoverable-extraction")
        beyond = sampled["discoverable at p=0.9 beyond reference", ""]
        assert beyond["verdict"] == "differs from null"


def test_a_model_that_was_trained_on_planted_canaries_is_found_out(folder):
    """From the command's files to the suite's figures: 16 repeats stand out, coins are guessed."""
    made = folder / "canaries"
    options = ["--repeats", "0,1,16", "--references", "100", "--audit", "80"]
    assert run(["canaries", "make", str(made), *options]) == 0
    background = (folder / "clean.txt").read_text()
    (folder / "planted.txt").write_text(background + "\n" + (made / "planting.txt").read_text())
    for model in ("planted", "clean"):
        command = ["run", "canaries", "-m", f"ngram:{folder / model}.txt", "--set"]
        command += [f"canaries={made}", "--output", str(folder / f"{model}-canaries")]
        assert run(command) == 0
    planted, clean = folder / "planted-canaries", folder / "clean-canaries"
    exposed = estimates(planted, "privacy/canary-exposure")
    by_repeats = [exposed["mean exposure (bits)", f"repeats={r}"]["value"] for r in (0, 1, 16)]
    assert by_repeats == sorted(by_repeats)
    assert by_repeats[-1] > 6
    bound = estimates(planted, "privacy/epsilon-lower-bound")["epsilon at least (one run)", ""]
    assert bound["value"] > 1
    nothing = estimates(clean, "privacy/epsilon-lower-bound")["epsilon at least (one run)", ""]
    assert nothing["verdict"] != "differs from null"


def test_shadow_models_tell_members(folder):
    references = ", ".join(f"shadow{i}: 'ngram:{folder}/shadow{i}.txt'" for i in range(6))
    (folder / "shadow.yaml").write_text(
        f"version: 1\nname: shadow\nmodels: ['ngram:{folder}/leaky.txt']\n"
        "sources: {texts: {type: jsonl, path: shadow.jsonl}}\n"
        "probes:\n  - probe: privacy/reference-model-membership\n    source: texts\n"
        f"    options: {{shared_deviation: true, gamma: 1, references: {{{references}}}}}\n"
    )
    output = folder / "shadow-run"
    assert run(["run", str(folder / "shadow.yaml"), "--output", str(output)]) == 0
    (job,) = json.loads((output / "estimates.json").read_text())["jobs"]
    found = {(e["metric"], e["slice"]): e for e in job["estimates"]}
    for attack in ("lira_online", "lira_offline", "rmia_offline"):
        assert found["attack AUC", f"attack={attack}"]["value"] > 0.95


def test_the_report_draws_the_curves_of_a_run(folder):
    suite(folder, "leaky", "drawn")
    page = render([Run.open(folder / "drawn")])
    assert "Membership at few false alarms" in page
    assert "false-positive rate" in page


DUAL_ENCODERS = {
    "image": ("shapes-named", named_shapes, "png"),
    "audio": ("sounds-named", named_sounds, "wav"),
}


@pytest.mark.parametrize("medium", DUAL_ENCODERS)
def test_one_command_runs_what_a_folder_of_media_allows(medium, tmp_path):
    """Persons and captioned media in one folder; other probes do not fit, for a stated reason."""
    model, data, ending = DUAL_ENCODERS[medium]
    for row in data.person_rows(2):
        place = tmp_path / ("in" if row["member"] else "out") / str(row["name"])
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{str(row['id'])[-1]}.{ending}").write_bytes(row[medium])
    for row in data.noted_rows():
        place = tmp_path / ("in" if row["member"] else "out") / str(row["id"])
        place.with_suffix(f".{ending}").write_bytes(row[medium])
        place.with_suffix(".txt").write_text(str(row["text"]))
    (tmp_path / "names.txt").write_text("\n".join(nobody()))
    command = ["run", "privacy", "-m", f"control:{model}", "-q", "-o", str(tmp_path / "run")]
    for name, folder in (("members", "in"), ("non_members", "out"), ("names", "names.txt")):
        command += ["--set", f"{name}={tmp_path / folder}"]
    assert run(command) == 0
    results = Run.open(tmp_path / "run").results
    done = {r.probe: r.estimates[0] for r in results if r.status != "not applicable"}
    wanted = ("pair-membership", "identity-inference")
    assert set(done) == {f"privacy/{medium}-{probe}" for probe in wanted}
    assert {e.verdict for e in done.values()} == {"differs from null"}
    assert all(r.reason for r in results if r.status == "not applicable")
