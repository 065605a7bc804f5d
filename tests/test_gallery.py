"""The sample reports in reports/ are there, small, and what their commands would write today."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import pytest
from report.headless import headless, show

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "reports"


def _builder():
    path = ROOT / "benchmarks" / "gallery" / "build.py"
    spec = importlib.util.spec_from_file_location("gallery_build", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


BUILDER = _builder()
NAMES = [sample.name for sample in BUILDER.GALLERY]
QUICK = {"six-models", "two-runs"}


def text_of(name: str) -> str:
    return (REPORTS / f"{name}.html").read_text(encoding="utf-8")


def test_the_reports_are_made_from_what_there_is_now():
    """Suites, control models, recipes and the version; else `make reports` is due."""
    assert json.loads((REPORTS / BUILDER.MADE_FROM).read_text()) == {"sha256": BUILDER.digest()}


def test_the_index_has_a_sentence_and_the_commands_of_each():
    assert (REPORTS / "README.md").read_text() == BUILDER.index()
    assert {path.stem for path in REPORTS.glob("*.html")} == set(NAMES)


def test_they_are_small():
    assert sum(path.stat().st_size for path in REPORTS.iterdir()) < 3 * 10**6


@pytest.mark.parametrize("name", NAMES)
def test_they_name_no_place_of_the_machine_that_made_them(name):
    text = text_of(name)
    for place in (str(ROOT), str(Path.home()) + "/", "/tmp/"):
        assert place not in text


@pytest.mark.parametrize("name", NAMES)
def test_they_say_how_they_were_made(name):
    (sample,) = [s for s in BUILDER.GALLERY if s.name == name]
    for command in sample.commands[:-1]:
        assert command in text_of(name)


def test_six_models_of_three_modalities_are_validated():
    """What the first report must show: each fault in the one twin, and not in the other."""
    controls = (
        text_of("six-models").partition('<section id="controls">')[2].partition("</section>")[0]
    )
    assert re.findall(r'aria-hidden="true">(.)</span> (\w+)', controls) == [("✓", "yes")] * 3


@pytest.fixture(scope="module")
def browser():
    with headless() as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_they_open_from_their_file(name, browser):
    browser.get_log("browser")
    show(browser, REPORTS / f"{name}.html")
    waiting = (
        "const done = arguments[0]; (function look() { data ? done() : setTimeout(look, 10); })()"
    )
    browser.execute_async_script(waiting)
    assert browser.execute_script("return rows().length") > 0
    assert browser.get_log("browser") == []


def outline(text: str) -> list[str]:
    """Headings, findings and scorecard in words, without their digits."""
    body = text.partition("<main>")[2].partition('<section id="samples">')[0]
    words = re.sub(r"<svg.*?</svg>|<[^>]+>", "\n", body, flags=re.S)
    return [re.sub(r"[-−\d.,]+", "#", line.strip()) for line in words.splitlines() if line.strip()]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("sample", BUILDER.GALLERY, ids=lambda sample: sample.name)
def test_they_are_what_their_commands_write(sample, tmp_path):
    if sample.name not in QUICK and not os.environ.get("EVALSUITE_REBUILD_REPORTS"):
        pytest.skip("takes minutes; set EVALSUITE_REBUILD_REPORTS=1 to rebuild all reports")
    BUILDER.make(sample, tmp_path)
    made = (tmp_path / f"{sample.name}.html").read_text(encoding="utf-8")
    assert outline(made) == outline(text_of(sample.name))
