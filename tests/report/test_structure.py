"""What stands where, as a browser and its accessibility tree have it; and what the reader may do."""

from __future__ import annotations

from pathlib import Path

import pytest
from report.headless import headless, show
from report.small_runs import make_page


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    return make_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def browser(page):
    with headless() as opened:
        yield opened


@pytest.fixture
def opened(browser, page):
    show(browser, page)
    return browser


def texts(browser, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())"
    return browser.execute_script(script, selector)


def test_the_parts_come_in_the_order_of_importance(opened):
    assert texts(opened, "main > section > h2") == [
        "Findings", "Scorecard", "Do the probes work?", "Task", "Fairness", "Robustness",
        "Samples", "Methods and limits", "Provenance", "Downloads",
    ]  # fmt: skip


def test_there_is_one_of_each_landmark(opened):
    parts = ("header", "nav", "main", "footer", "h1")
    assert {part: len(texts(opened, f"body > {part}, body > header {part}")) for part in parts} == {
        "header": 1, "nav": 1, "main": 1, "footer": 1, "h1": 1,
    }  # fmt: skip


def test_every_part_is_linked_from_the_top(opened):
    script = """return [...document.querySelectorAll("nav a")].map((a) => a.getAttribute("href"))"""
    parts = """return [...document.querySelectorAll("main > section")].map((s) => `#${s.id}`)"""
    assert opened.execute_script(script) == opened.execute_script(parts)


def test_tables_have_these_captions(opened):
    assert texts(opened, "main > section:not(#samples) caption") == [
        "Scorecard of control:clean, control:planted",
        "Control results",
        "Paired differences to control:clean in text/answers",
        "Estimates of text/answers",
        "Paired differences to control:clean in fairness/image-zero-shot-gap",
        "Estimates of fairness/image-zero-shot-gap",
        "How intervals were made",
        "How differences were tested",
        "Models",
        "Data",
        "Files",
    ]


def test_every_probe_has_a_plot_of_values_and_one_of_differences(opened):
    assert texts(opened, "#family-fairness figcaption") == [
        "accuracy gap", "accuracy gap, difference to control:clean",
    ]  # fmt: skip
    assert texts(opened, "#family-task figcaption") == [
        "accuracy gap", "rate by slice", "accuracy gap, difference to control:clean",
    ]  # fmt: skip


def test_there_are_files_for_all_who_want_numbers(opened):
    assert texts(opened, "#downloads a") == [
        "estimates.csv", "report.json.gz", "references.bib", "samples.jsonl.gz",
    ]  # fmt: skip


def column(browser) -> list[str]:
    return texts(browser, ".scorecard.sortable tbody td:nth-of-type(1) strong")


def test_a_key_sorts_and_another_turns_the_order_round(opened):
    button = opened.find_elements("css selector", ".scorecard.sortable thead tr:last-child .sort")[
        1
    ]
    head = opened.find_elements("css selector", ".scorecard.sortable thead tr:last-child th")[1]
    assert head.get_attribute("aria-sort") == "none"
    button.send_keys("\n")
    assert (head.get_attribute("aria-sort"), column(opened)) == ("descending", ["0.500", "0.010"])
    button.send_keys("\n")
    assert (head.get_attribute("aria-sort"), column(opened)) == ("ascending", ["0.010", "0.500"])


def test_names_are_sorted_from_the_first_letter(opened):
    button, *_ = opened.find_elements("css selector", ".scorecard.sortable .sort")
    button.send_keys("\n")
    assert texts(opened, ".scorecard.sortable tbody th")[0] == "control:clean"


def background(browser) -> str:
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_the_systems_until_the_reader_chooses(browser, page):
    show(browser, page, theme="dark")
    dark = background(browser)
    browser.find_element("id", "theme").click()
    light = background(browser)
    show(browser, page, theme="light")
    assert background(browser) == light != dark


def test_paper_shows_what_is_folded_and_no_controls(opened):
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = """return ["nav", "#theme", "#downloads", "#filters"].filter(
        (s) => getComputedStyle(document.querySelector(s)).display !== "none")"""
    assert opened.execute_script(hidden) == []
    folded = "return document.querySelector('.probe details table').getBoundingClientRect().height"
    assert opened.execute_script(folded) > 0
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_scripts_the_page_still_tells_everything(browser, page):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, page)
        body = browser.find_element("tag name", "body").text
        assert "Browsing all samples needs scripts" in body
        assert "First samples without an answer" in body
        assert not browser.find_element("id", "theme").is_displayed()
        assert not browser.find_elements("css selector", ".sort")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_nothing_moves_for_those_who_ask_for_it(browser, page):
    feature = {"name": "prefers-reduced-motion", "value": "reduce"}
    show(browser, page)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    moves = "return getComputedStyle(document.documentElement).scrollBehavior"
    assert browser.execute_script(moves) == "auto"
