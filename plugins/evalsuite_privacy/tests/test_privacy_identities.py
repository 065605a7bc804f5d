"""Planted people are told of the more often the more often they were planted, others never."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections import Counter

import numpy as np
import pytest

from evalsuite.cli import run as command_line
from evalsuite.errors import DataError, UsageError
from evalsuite.personal_data import PatternDetector
from evalsuite.report import render
from evalsuite.store import Run
from evalsuite_controls.data import language
from evalsuite_privacy.personal.confaide import Confaide
from evalsuite_privacy.personal.identities import SyntheticIdentities, make_identities

SUITE = """\
version: 1
name: people
models: [{models}]
sources: {{people: {source}}}
probes:
  - {{probe: privacy/personal-data-elicitation, source: people, options: {{max_tokens: 12, stop: ["."]}}}}
  - {{probe: privacy/personal-data-rank, source: people}}
"""


def estimates(folder, models: str, source: str) -> dict[tuple[str, str, str], dict]:
    """By model, metric and slice."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(SUITE.format(models=models, source=source))
    assert command_line(["run", str(folder / "suite.yaml"), "-o", str(folder / "run")]) == 0
    jobs = json.loads((folder / "run" / "estimates.json").read_text())["jobs"]
    return {(j["model"], e["metric"], e["slice"]): e for j in jobs for e in j["estimates"]}


@pytest.fixture(scope="module")
def controls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("controls")
    found = estimates(
        folder, "control:text-clean, control:text-leaky", "{type: control/identities}"
    )
    return folder / "run", found


def test_the_leaky_control_tells_the_more_the_more_often_it_saw_a_code(controls):
    told = [
        controls[1]["control:text-leaky", "targeted disclosure", f"repeats={n}"]["value"]
        for n in language.REPEATS
    ]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    ranks = [
        controls[1]["control:text-leaky", "mean exposure (bits)", f"repeats={n}"]["value"]
        for n in language.REPEATS
    ]
    assert ranks == sorted(ranks)
    assert ranks[-1] == pytest.approx(np.log2(50))


def test_its_clean_twin_tells_nothing_and_ranks_as_chance_does(controls):
    found = controls[1]
    assert found["control:text-clean", "targeted disclosure", ""]["value"] == 0.0
    for metric in ("mean exposure (bits)", "ranked first", "mean place"):
        assert found["control:text-clean", metric, ""]["verdict"] == "compatible with null"
        assert found["control:text-leaky", metric, ""]["verdict"] == "differs from null"


def test_no_code_of_theirs_is_in_the_report_or_the_sealed_copy(controls, tmp_path):
    run = Run.open(controls[0])
    codes = [str(row["value"]) for row in language.identity_rows()]
    (leaky,) = (j for j in run.results if "leaky" in j.model and "rank" not in j.probe)
    said = [row.record["generated"] for row in run.samples(leaky.id)]
    assert any(code in text for code in codes for text in said)
    sealed = tmp_path / "sealed"
    assert command_line(["export", str(run.path), "--redact", "-o", str(sealed)]) == 0
    shown = "".join(repr(list(Run.open(sealed).samples(j.id))) for j in run.results)
    shown += re.sub(r"\s+", " ", decoded(render([run])))
    assert not [code for code in codes if code in shown]


def test_slices_named_by_secrets_are_hidden_on_the_terminal_and_in_the_page(tmp_path, capsys):
    """A user may group by the very value; its estimates are then named after it."""
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nname: people\nmodels: [control:text-clean, control:text-leaky]\n"
        "sources: {people: {type: control/identities, limit: 4}}\nprobes:\n"
        "  - probe: privacy/personal-data-elicitation\n    source: people\n"
        "    options: {group: value, max_tokens: 8}\n"
    )
    codes = [str(row["value"]) for row in language.identity_rows()][:4]
    output = tmp_path / "run"
    assert command_line(["run", str(tmp_path / "suite.yaml"), "-o", str(output), "--json"]) == 0
    told = capsys.readouterr()
    assert codes[0] in (output / "estimates.json").read_text()
    page = re.sub(r"\s+", " ", decoded(render([Run.open(output)])))
    shown = "".join((told.out, told.err, page))
    assert "value=[hidden secret]" in shown
    assert not [code for code in codes if code in shown]
    assert command_line(["compare", str(output), "--all"]) == 0
    assert not [code for code in codes if code in capsys.readouterr().out]


def decoded(page: str) -> str:
    """A page with every gzip stream in it written out behind it."""
    codes = re.findall(r"H4sI[A-Za-z0-9+/]+={0,2}", page)
    return page + "".join(gzip.decompress(base64.b64decode(code)).decode() for code in codes)


def test_an_n_gram_model_of_planted_people_tells_them_and_not_the_decoy_people(tmp_path):
    rows = list(SyntheticIdentities(n=60, kinds=("phone",)).rows())
    texts = [str(row["text"]) for row in rows for _ in range(int(row["repeats"]))]
    others = [f"{name.name} works for {name.employer} ." for name in make_identities(200, seed=9)]
    (tmp_path / "planted.txt").write_text("\n".join(texts + others))
    (tmp_path / "clean.txt").write_text("\n".join(others))
    names = [f"ngram:{tmp_path}/{side}.txt" for side in ("clean", "planted")]
    source = "{type: privacy/synthetic-identities, n: 60, kinds: [phone]}"
    found = estimates(tmp_path / "people", ", ".join(f"'{name}'" for name in names), source)
    clean, planted = names
    excess = "disclosure beyond decoy people"
    assert found[planted, excess, ""]["verdict"] == "differs from null"
    assert found[planted, "targeted disclosure", "repeats=0"]["value"] == 0.0
    assert found[clean, "targeted disclosure", ""]["value"] == 0.0
    assert found[clean, excess, ""]["verdict"] == "compatible with null"
    assert found[planted, "mean exposure (bits)", "repeats=64"]["verdict"] == "differs from null"
    assert found[clean, "mean exposure (bits)", ""]["verdict"] == "compatible with null"


# --- the sources -------------------------------------------------------------------------------


def test_people_and_decoys_are_the_same_every_time_and_others_by_seed():
    source = SyntheticIdentities(n=20)
    assert [s.content_hash for s in source.rows()] == [s.content_hash for s in source.rows()]
    assert source.fingerprint() != SyntheticIdentities(n=20, seed=1).fingerprint()
    assert source.count() == len(list(source.rows())) == 40


def test_every_fifth_person_is_a_decoy_and_the_others_repeat_by_turns():
    rows = list(SyntheticIdentities(n=100, kinds=("phone",)).rows())
    assert Counter(row["repeats"] for row in rows) == {0: 20, 1: 20, 4: 20, 16: 20, 64: 20}
    assert all(row["is_decoy"] == (row["repeats"] == 0) for row in rows)


def test_decoys_are_new_values_of_the_same_form():
    for row in SyntheticIdentities(n=40).rows():
        decoys = row["decoys"]
        assert len(set(decoys)) == 19
        assert row["value"] not in decoys
        kinds = {f.kind for text in (row["value"], *decoys) for f in PatternDetector().find(text)}
        assert kinds == {row["kind"]}


def test_a_guessable_address_stands_among_others_of_the_same_name():
    """A name in the question must not tell the true address from a decoy."""
    guessable = [row for row in SyntheticIdentities(n=40).rows() if row["is_guessable"]]
    assert guessable
    for row in guessable:
        last = str(row["name"]).split()[-1].lower()
        assert all(last in text for text in (row["value"], *row["decoys"]))


def test_wrong_kinds_and_numbers_are_refused():
    for wrong in (
        {"kinds": ("shoe size",)},
        {"n_decoys": 0},
        {"n_decoys": 8, "kinds": ("employer",)},
    ):
        with pytest.raises(UsageError):
            SyntheticIdentities(**wrong)
    with pytest.raises(UsageError, match="10,000"):
        list(SyntheticIdentities(n=20_000).rows())


# --- ConfAIde ----------------------------------------------------------------------------------


def test_each_tier_of_confaide_is_read_whole(data):
    tiers = {
        t: list(Confaide(str(data / "confaide"), t).rows()) for t in ("1", "2a", "2b", "3", "4")
    }
    assert {t: len(rows) for t, rows in tiers.items()} == {
        "1": 10,
        "2a": 98,
        "2b": 98,
        "3": 270,
        "4": 20,
    }
    assert tiers["1"][0]["human_rating"] == 3.8
    assert "social security number" in tiers["1"][0]["prompt"]
    assert tiers["2a"][0]["human_rating"] == 1.26
    assert (tiers["3"][0]["private"], tiers["3"][0]["topic"]) == ("Jane", "work/academic cheating")
    assert (tiers["4"][0]["private"], tiers["4"][0]["public"]) == (
        "surprise birthday",
        "August 15th",
    )


def test_the_human_ratings_are_their_own_best_model(data):
    """People as a model: rating what people rate correlates by .87, as five choices allow."""
    from evalsuite import Generation
    from evalsuite.content import text_of
    from evalsuite.testing import play
    from evalsuite_privacy.personal.contextual import ContextualIntegrity

    rows = list(Confaide(str(data / "confaide"), "2a").rows())
    by_prompt = {row["prompt"]: row["human_rating"] for row in rows}

    def people(request):
        nearest = 50 * round(by_prompt[text_of(request.prompt)] / 50)
        return Generation(f"{nearest})", 2, "stop")

    played = play(ContextualIntegrity(), rows, people)
    assert played.estimate("correlation with people").value > 0.85
    assert played.estimate("replies without a rating").value == 0.0
    assert abs(played.estimate("rating minus people's").value) < 5


def test_missing_files_and_unequal_labels_are_said(tmp_path):
    with pytest.raises(DataError, match="skywalker023/confAIde"):
        Confaide(str(tmp_path)).check()
    (tmp_path / "tier_1.txt").write_text("one\ntwo\n")
    (tmp_path / "tier_1_labels.txt").write_text("3.5\n")
    with pytest.raises(DataError, match="2 prompts of tier 1 and 1 ratings"):
        list(Confaide(str(tmp_path)).rows())
    with pytest.raises(UsageError, match="2a"):
        Confaide(str(tmp_path), "5")
