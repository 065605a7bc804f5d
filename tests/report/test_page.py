"""The page: whole in one file, the same bytes every time, harmless whatever a model wrote."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from report.small_runs import make_run, result

from evalsuite import registry
from evalsuite.errors import StoreError
from evalsuite.report import Budget, Section, render, write
from evalsuite.report.controls import validations
from evalsuite.store import Run, SampleRow, Store


@pytest.fixture
def run(tmp_path) -> Run:
    return make_run(
        tmp_path / "run",
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.5, 0.4, 0.6),
    )


def packed(page: str) -> str:
    """The probes and media inside a page."""
    (data,) = re.findall(r'id="data">([^<]*)<', page)
    return gzip.decompress(base64.b64decode(data)).decode()


def download(page: str, name: str) -> bytes:
    """The bytes of a file inside a page."""
    (uri,) = re.findall(rf'download="{name}" href="([^"]*)"', page)
    data = base64.b64decode(uri.partition(",")[2])
    return gzip.decompress(data) if name.endswith(".gz") else data


def test_the_same_run_gives_the_same_bytes(run):
    assert render([run]) == render([run])


def test_nothing_is_loaded_from_anywhere(run):
    page = render([run])
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert "default-src &#39;none&#39;" in page


def test_what_a_model_wrote_is_never_markup(run):
    page = render([run])
    assert "<img src=x" not in page
    assert page.count("</script>") == 2
    # There as data, which the script shows as text.
    assert b"onerror=alert" in download(page, "samples.jsonl.gz")


def test_characters_that_reorder_or_hide_text_are_written_out(run):
    page = render([run])
    assert not re.search("[\x00\u202e]", page)
    assert "⟨U+202E⟩" in page
    assert "⟨U+0000⟩" in page


def test_half_a_surrogate_pair_costs_no_report(run, tmp_path):
    odd = tuple(replace(item, reason="\ud800", status="failed") for item in run.results)
    assert write([replace(run, results=odd)], tmp_path / "report.html").stat().st_size > 0


def test_the_policy_names_the_one_style_and_the_one_script(run):
    page = render([run])
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page


def test_the_script_never_parses_markup():
    assets = Path(__file__).parents[2] / "evalsuite" / "report" / "assets"
    scripts = list(assets.rglob("*.js"))
    assert len(scripts) > 10
    for script in scripts:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|eval\(|document\.write|Function\(|setAttribute\(.on",
            script.read_text(),
        ), script


def test_an_undefined_estimate_says_why(tmp_path):
    undefined = result("m:x", math.nan, math.nan, math.nan)
    page = render([make_run(tmp_path / "run", undefined)])
    assert "n/a" in page
    assert "too few in a group" in page


def test_a_finding_is_a_sentence(run):
    assert (
        "accuracy gap is 0.500 [0.400, 0.600], where 0.020 ± 0.02 would mean nothing is there"
        in render([run])
    )


def test_a_probe_that_tells_the_twins_apart_is_validated(run):
    (validation,) = validations(run.results, run.plan["models"])
    assert validation.answer == "yes"


def test_a_probe_that_misses_the_plant_is_not_validated(tmp_path):
    run = make_run(
        tmp_path / "run",
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.02, 0.0, 0.05),
    )
    (validation,) = validations(run.results, run.plan["models"])
    assert validation.answer == "no: the plant is not seen"


def test_a_plant_that_shows_in_the_second_figure_is_seen(tmp_path):
    """An accuracy without a null stands first; the twins are compared by what has one."""
    planted = result("control:planted", 0.5, 0.4, 0.6)
    clean = result("control:clean", 0.0, 0.0, 0.01)
    accuracy = replace(planted.estimates[0], metric="accuracy", null=None)
    run = make_run(
        tmp_path / "run",
        *(replace(one, estimates=(accuracy, *one.estimates)) for one in (clean, planted)),
    )
    (validation,) = validations(run.results, run.plan["models"])
    assert validation.answer == "yes"
    assert validation.planted_value.startswith("0.500 [0.400")
    assert validation.clean_value.startswith("0.000")


def test_a_probe_that_accuses_the_clean_twin_is_not_validated(tmp_path):
    run = make_run(
        tmp_path / "run",
        result("control:clean", 0.4, 0.3, 0.5),
        result("control:planted", 0.5, 0.4, 0.6),
    )
    (validation,) = validations(run.results, run.plan["models"])
    assert validation.answer == "no: the clean twin differs too"


def test_a_plant_that_takes_a_good_thing_away_is_seen(tmp_path):
    """Where higher is better the null is what is planted, and the clean twin departs from it."""
    found = [result("control:clean", 0.9, 0.8, 1.0), result("control:planted", 0.0, 0.0, 0.0)]
    wanted = [
        replace(one, estimates=(replace(one.estimates[0], direction="higher is better"),))
        for one in found
    ]
    run = make_run(tmp_path / "run", *wanted)
    (validation,) = validations(run.results, run.plan["models"])
    assert validation.answer == "yes"


def test_failed_samples_stand_in_the_page_without_scripts(run):
    assert "First samples without an answer" in render([run])


def test_a_plugins_family_has_a_panel(tmp_path):
    item = replace(result("m:x", 0.5, 0.4, 0.6), family="alignment")
    assert 'id="family-alignment"' in render([make_run(tmp_path / "run", item)])


def test_a_job_that_is_not_applicable_says_why(tmp_path):
    item = replace(
        result("m:x", 0.5, 0.4, 0.6), status="not applicable", reason="it has no ears",
        estimates=(), n_samples=0,
    )  # fmt: skip
    page = render([make_run(tmp_path / "run", item)])
    assert "it has no ears" in page
    assert "0 primary estimates" in page


def test_what_is_not_applicable_takes_one_folded_line(tmp_path):
    first, second = (
        replace(
            result("m:x", 0.5, 0.4, 0.6, name=name), id=name[-3:], status="not applicable",
            reason="no ears", estimates=(), n_samples=0,
        )
        for name in ("audio/one", "audio/two")
    )  # fmt: skip
    page = render([make_run(tmp_path / "run", result("m:x", 0.5, 0.4, 0.6), first, second)])
    assert page.count("no ears") == 1
    assert "2 combinations of probe and model" in page
    assert "<h3>audio/one</h3>" not in page


def test_a_job_that_failed_says_why(tmp_path):
    item = replace(
        result("m:x", 0.5, 0.4, 0.6), status="failed", reason="the disk burned", estimates=()
    )
    assert "Not measured: fairness/image-zero-shot-gap: the disk burned" in render(
        [make_run(tmp_path / "run", item)]
    )


def test_an_incomplete_run_says_so(tmp_path):
    run = make_run(tmp_path / "run", result("m:x", 0.5, 0.4, 0.6))
    assert "Incomplete:" in render([replace(run, manifest={"complete": False})])
    assert "Incomplete:" not in render([run])


def test_a_run_that_kept_neither_plan_nor_manifest_still_renders(tmp_path):
    run = make_run(tmp_path / "run", result("m:x", 0.5, 0.4, 0.6))
    assert "accuracy gap" in render([replace(run, plan={}, manifest={})])


def test_an_unwritable_place_is_said_in_one_paragraph(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        write([run], tmp_path / "file" / "report.html")


def test_every_further_section_is_linked_from_the_top(run, monkeypatch):
    class Added:
        name, plugin = "added", "friend"

        def load(self):
            return lambda runs: [Section("One more", ("Words.",)), Section("And another")]

    monkeypatch.setattr(registry.installed(), "report_sections", [Added()])
    page = render([run])
    for title in ("One more", "And another"):
        (target,) = re.findall(rf'<a href="#([^"]*)">{title}</a>', page)
        assert re.search(rf'<section id="{target}">\s*<h2>{title}</h2>', page)


def test_a_section_that_fails_becomes_a_note(run, monkeypatch):
    class Broken:
        name, plugin = "broken", "stranger"

        def load(self):
            return lambda runs: [Section("x", charts=({"data": {"url": "http://x/y.csv"}},))]

    monkeypatch.setattr(registry.installed(), "report_sections", [Broken()])
    assert "The section of plugin &#39;stranger&#39; failed" in render([run])


def test_the_table_for_spreadsheets_holds_no_formula(tmp_path):
    run = make_run(tmp_path / "run", result("=cmd|x", 0.5, 0.4, 0.6, name="fairness/a"))
    assert "\n'=cmd|x," in download(render([run]), "estimates.csv").decode()


def test_charts_can_be_drawn_again_from_the_download(run):
    report = json.loads(download(render([run]), "report.json.gz"))
    assert report["charts"]["fairness/image-zero-shot-gap: accuracy gap"]["layer"]
    assert len(report["jobs"]) == 2


def test_media_are_inside(run):
    media = json.loads(packed(render([run])))["media"]
    (picture,) = [made for made in media.values() if isinstance(made, str)]
    (clip,) = [made for made in media.values() if not isinstance(made, str)]
    uris = (picture, clip["mp3"], clip["spectrogram"])
    kinds = [uri.split(";")[0] for uri in uris]
    assert kinds == ["data:image/png", "data:audio/mpeg", "data:image/png"]


def test_a_run_without_results_still_renders(tmp_path):
    assert "0 primary estimates" in render([make_run(tmp_path / "run")])


def test_write_leaves_one_small_file(run, tmp_path):
    path = write([run], tmp_path / "report.html")
    assert path.stat().st_size < 300_000


def test_a_page_keeps_to_its_budget(tmp_path):
    item = result("m:x", 0.5, 0.4, 0.6)
    run = make_run(tmp_path / "run", item)
    store = Store(run.path)
    texts = [hashlib.shake_256(bytes([i])).hexdigest(250) for i in range(200)]
    rows = [
        SampleRow(str(i), text[:64], "ok", record={"said": text}) for i, text in enumerate(texts)
    ]
    store.write_samples(item.id, rows)
    store.close()
    whole = len(render([run]).encode())
    page = render([run], Budget(whole - 10_000))
    assert len(page.encode()) <= whole - 10_000
    assert "samples are not in this page" in page


def test_a_budget_that_is_too_small_still_gives_a_page(run):
    assert "accuracy gap" in render([run], Budget(1000))


def test_no_media_means_none(run):
    assert json.loads(packed(render([run], Budget(media=0))))["media"] == {}


def test_a_section_stands_in_the_panel_of_its_family(run, monkeypatch):
    class Added:
        name, plugin = "added", "friend"

        def load(self):
            return lambda runs: [Section("Inside", family="fairness"), Section("Alone", family="x")]

    monkeypatch.setattr(registry.installed(), "report_sections", [Added()])
    page = render([run])
    (panel,) = re.findall(r'<section id="family-fairness">.*?</section>', page, re.DOTALL)
    assert "<h3>Inside</h3>" in panel
    assert "<h2>Alone</h2>" in page


def test_the_bytes_do_not_depend_on_the_order_of_hashes(run, tmp_path):
    pages = []
    for seed in ("1", "2"):
        page = tmp_path / f"{seed}.html"
        subprocess.run(
            [sys.executable, "-m", "evalsuite", "report", str(run.path), "-o", str(page)],
            env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True,
        )  # fmt: skip
        pages.append(page.read_bytes())
    assert pages[0] == pages[1]
