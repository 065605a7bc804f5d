"""The page: whole in one file, the same bytes every time, harmless whatever a model wrote."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from evalsuite import Audio, Image
from evalsuite.metric import Estimate, Null
from evalsuite.report import render, write
from evalsuite.report.controls import validations
from evalsuite.store import JobResult, Run, SampleRow, Store

HOSTILE = "</script><img src=x onerror=alert(1)>\"'\u202e\x00<b>"
CARD = {"measures": "Something.", "does_not_measure": "All.", "reference": "R", "critique": ""}


def result(model: str, value: float, low: float, high: float, **facts) -> JobResult:
    estimate = Estimate(
        "accuracy gap", value, low, high, null=Null(0.02, 0.02, "above", "permuted"), n=10,
        reason=None if math.isfinite(value) else "too few in a group", is_primary=True,
    )  # fmt: skip
    name = facts.pop("name", "fairness/image-zero-shot-gap")
    return JobResult(
        f"{model}--gap".replace(":", "-"), model, name, "fairness", "digits", "finished",
        label=name, n_samples=2, estimates=(estimate,), card=CARD, **facts,
    )  # fmt: skip


def make_run(path: Path, *results: JobResult, text: str = HOSTILE) -> Run:
    store = Store(path)
    picture = Image.from_array(np.zeros((8, 8, 3), np.uint8))
    clip = Audio.from_array(np.zeros(4000, np.float32), 8000)
    for part in (picture, clip):
        store.write_media(part.sha256, part.encoded())
    controls = {
        "twin": "control:clean",
        "planted": "a gap",
        "probes": results[0].probe if results else "",
    }
    store.write_plan(
        {
            "suite_name": "small " + text.replace("\x00", ""),
            "suite_text": text,
            "models": [
                {"name": "control:clean", "kind": "k", "controls": {}},
                {"name": "control:planted", "kind": "k", "controls": controls},
            ],
            "sources": [],
        }
    )
    for item in results:
        asked = {
            "asked": "EmbedImage",
            "parts": [{"image": picture.sha256}, {"text": text}, {"audio": clip.sha256}],
            "detail": {},
            "answer": {"text": text},
        }
        record = {"predicted": text, "correct": 1.0, "group": "A", "map": "[[1, 0], [0, -1]]"}
        store.write_samples(
            item.id,
            [
                SampleRow("1", "h", "ok", record=record, exchange=(asked,)),
                SampleRow("2", "h", "failed", reason=text),
            ],
        )
        store.write_result(item)
    store.write_manifest({"versions": {"python": "3"}, "complete": True})
    store.close()
    return Run.open(path)


@pytest.fixture
def run(tmp_path) -> Run:
    return make_run(
        tmp_path / "run",
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.5, 0.4, 0.6),
    )


def packed(page: str) -> str:
    """The samples inside a page."""
    (data,) = re.findall(r'id="data">([^<]*)<', page)
    return gzip.decompress(base64.b64decode(data)).decode()


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
    assert "onerror=alert" in packed(page)  # there as data, which the script shows as text


def test_the_policy_names_the_one_style_and_the_one_script(run):
    page = render([run])
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page


def test_the_script_never_parses_markup():
    script = Path(__file__).parents[2] / "evalsuite" / "report" / "assets" / "report.js"
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|eval\(|document\.write", script.read_text()
    )


def test_an_undefined_estimate_says_why(tmp_path):
    undefined = result("m:x", math.nan, math.nan, math.nan)
    page = render([make_run(tmp_path / "run", undefined)])
    assert "n/a" in page
    assert "too few in a group" in page


def test_a_finding_is_a_sentence(run):
    assert "accuracy gap is 0.500 [0.400, 0.600], where 0.020 ± 0.02 would be nothing" in render(
        [run]
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


def test_a_probe_that_accuses_the_clean_twin_is_not_validated(tmp_path):
    run = make_run(
        tmp_path / "run",
        result("control:clean", 0.4, 0.3, 0.5),
        result("control:planted", 0.5, 0.4, 0.6),
    )
    (validation,) = validations(run.results, run.plan["models"])
    assert validation.answer == "no: the clean twin differs too"


def test_failed_samples_stand_in_the_page_without_scripts(run):
    assert "First failed samples" in render([run])


def test_media_are_inside(run):
    media = json.loads(packed(render([run])))["media"]
    assert {uri.split(";")[0] for uri in media.values()} == {"data:image/png", "data:audio/mpeg"}


def test_a_run_without_results_still_renders(tmp_path):
    assert "0 primary estimates" in render([make_run(tmp_path / "run")])


def test_write_leaves_one_small_file(run, tmp_path):
    path = write([run], tmp_path / "report.html")
    assert path.stat().st_size < 300_000
