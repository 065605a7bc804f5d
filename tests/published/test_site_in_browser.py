"""A site opened from its folder: every link leads somewhere, nothing is fetched, nothing breaks."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from compare.written_runs import ACCURACY, use_metrics
from published.dated_runs import BAD, GOOD, answered, dated, three_runs
from report.headless import headless, show
from report.test_hostile import ATTACKS, hostile_run, storable

from evalsuite.site import publish

EVIL = [storable(text).replace("\x00", "") for text in ATTACKS]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Three dated runs, and one whose every text means harm."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        use_metrics(patch, ACCURACY)
        runs = three_runs(folder / "runs")
        named = dated(
            folder / "named", "2026-12-03", answered("m:<b>&", GOOD), answered("m:a", BAD)
        )
        runs += [named, hostile_run(folder / "hostile", tuple(EVIL))]
        publish(runs, folder / "site", title=EVIL[0])
    return folder / "site"


def pages_of(site: Path) -> list[Path]:
    """Every page but the reports, whose own tests open them."""
    return [p for p in sorted(site.rglob("*.html")) if p.parent.name != "reports"]


@pytest.fixture(scope="module")
def browser():
    with headless("--force-prefers-reduced-motion") as opened:
        yield opened


LINKS = "return [...document.links].map((a) => a.getAttribute('href'));"
SMUGGLED = """return [
  document.scripts.length - 1, document.querySelectorAll("style").length - 1,
  document.querySelectorAll("img, iframe, object, embed, base, form").length,
  [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
  typeof window.ran,
];"""


def test_every_link_leads_to_a_part_of_the_site(site, browser):
    visited = set()
    for page in pages_of(site):
        show(browser, page)
        for link in browser.execute_script(LINKS):
            assert re.fullmatch(r"[A-Za-z0-9._/-]*(#[a-z0-9-]+)?", link), link
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.is_relative_to(site)
            assert target.is_file(), link
            assert not anchor or f'id="{anchor}"' in target.read_text(), link
            visited.add(target)
    assert set(pages_of(site)) <= visited
    assert set((site / "reports").iterdir()) <= visited


def test_nothing_of_a_hostile_run_runs_or_breaks_a_page(site, browser):
    browser.get_log("browser")
    for page in pages_of(site):
        show(browser, page)
        assert browser.execute_script(SMUGGLED) == [0, 0, 0, 0, "undefined"], page
        text = browser.execute_script("return document.body.textContent + document.title")
        assert not set("\u202e\u2066\x1b\x00\x9b\x07") & set(text)
    assert browser.get_log("browser") == []


def test_file_names_are_plain_whatever_models_are_called(site):
    for path in site.rglob("*"):
        if "runs" not in path.relative_to(site).parts:
            assert re.fullmatch(r"[A-Za-z0-9._-]{1,90}", path.name)


def a_page(site: Path, kind: str) -> Path:
    if kind == "index":
        return site / "index.html"
    folder, word = ("models", "m-a") if kind == "model" else (kind, "probe")
    return next((site / folder).glob(f"{word}-*.html"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["index", "leaderboards", "model"])
def test_axe_finds_no_violation(site, browser, kind, theme):
    pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    for width in (1100, 400):
        show(browser, a_page(site, kind), theme=theme, width=width)
        browser.execute_script(axe)
        rules = "axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations));"
        found = browser.execute_async_script(f"const done = arguments[0]; {rules}")
        assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found] == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_parser_of_the_html_standard_finds_no_error(site):
    html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed")
    for page in pages_of(site):
        html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))


def cells(browser: Any, column: int) -> list[str]:
    script = "return [...document.querySelector('table').tBodies[0].rows].map((r) => r.cells[arguments[0]].innerText);"
    return list(browser.execute_script(script, column))


def test_a_leaderboard_can_be_sorted(site, browser):
    show(browser, a_page(site, "leaderboards"))
    before = cells(browser, 0)
    browser.execute_script("document.querySelector('thead .sort').click();")
    assert cells(browser, 0) == sorted(before)


def test_the_chart_of_a_history_says_what_its_table_says(site, browser):
    show(browser, a_page(site, "model"))
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('svg.line title')].map((t) => t.textContent);"
    )
    tabled = [
        f"{day}: {value} {interval}"
        for day, value, interval in zip(cells(browser, 0), cells(browser, 1), cells(browser, 2))
    ]
    assert drawn == tabled
    assert len(drawn) == 4


def test_it_reads_without_scripts(site):
    for page in pages_of(site):
        text = page.read_text()
        assert text.count("<script") == 1
        assert "hidden" not in re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S).replace(
            "visually-hidden", ""
        ).replace('aria-hidden="true"', "").replace('id="theme" hidden', "")
