"""What axe-core finds wrong with the page: nothing, in light and dark, on wide and narrow screens."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from report.headless import headless, show
from report.small_runs import make_page

# Asked of the whole page, folded parts opened, for they are to be read, too.
OPENED = "document.querySelectorAll('details').forEach((d) => { d.open = true; });"
RULES = "axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations));"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    return make_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def browser():
    with headless() as opened:
        yield opened


@pytest.fixture(scope="module")
def axe() -> str:
    pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    return (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 400])
def test_axe_finds_no_violation(page, browser, axe, theme, width):
    show(browser, page, theme=theme, width=width)
    browser.execute_script(axe)
    browser.execute_script(OPENED)
    found = browser.execute_async_script(f"const done = arguments[0]; {RULES}")
    told = [(v["id"], v["help"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]
    assert told == []


@pytest.mark.parametrize("width", [400, 1100])
def test_the_page_itself_never_scrolls_sideways(page, browser, width):
    show(browser, page, width=width)
    browser.execute_script(OPENED)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
