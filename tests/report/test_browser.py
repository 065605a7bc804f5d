"""What a browser makes of the page, opened from its file: skipped where there is no Chromium."""

from __future__ import annotations

import pytest
from report.opened import Opened


def test_the_explorer_opens_from_a_file(page):
    assert page.run("return [by('explorer').hidden, by('static').hidden, by('broken').hidden]") == [
        False, True, True,
    ]  # fmt: skip
    assert page.count == "120 of 120 samples, page 1 of 3"


# ------------------------------------------------------------------------------------------------
# Filters and search
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("failed", ["3"]),
        ("refused", ["5", "6"]),
        ("differs", ["7", "8", "9"]),
        ("flagged", ["3", "5", "6"]),
        ("wrong", [str(n) for n in range(110, 120)]),
    ],
)
def test_a_filter_shows_its_samples_and_says_that_it_filters(page, kind, ids):
    page.choose("show", kind)
    assert page.ids == ids
    assert page.count == f"Filtered: {len(ids)} of 120 samples, page 1 of 1"


def test_every_filter_says_how_many_it_finds(page):
    told = page.run("return [...by('show').options].map((o) => o.textContent)")
    assert told[:3] == ["all (120)", "failed (1)", "refused or empty (2)"]


def test_a_group_is_chosen_by_column_and_value(page):
    assert page.run("return by('field').value") == "group"
    page.choose("value", "odd")
    assert page.count.startswith("Filtered: 59 of 120")  # the 60 odd ones but 3, which failed
    page.run("by('clear').click()")
    assert page.count.startswith("120 of 120")


def test_a_search_finds_prompts_answers_and_reasons_whatever_their_case(page):
    assert page.choose("query", "QUESTION 17:").ids == ["17"]
    assert page.choose("query", "reply 196").ids == ["14"]
    assert page.choose("query", "burned").ids == ["3"]
    assert page.choose("query", "predicted").ids == []  # no names of columns


def test_a_search_may_be_a_regular_expression(page):
    page.run("by('regex').click()")
    assert page.choose("query", "question (4|11[0-2]):").ids == ["4", "110", "111", "112"]
    assert page.choose("query", "^reply 4$").ids == ["2"]


def test_a_bad_expression_says_so_and_hides_nothing(page):
    page.run("by('regex').click()")
    page.choose("query", "(")
    assert page.text("#problem").startswith("The search is left out: Invalid regular expression")
    assert page.count.startswith("120 of 120")
    page.choose("query", "")
    assert page.text("#problem") == ""


# ------------------------------------------------------------------------------------------------
# Pages, links, keys
# ------------------------------------------------------------------------------------------------


def test_a_page_has_fifty_rows(page):
    assert page.ids == [str(n) for n in range(50)]
    page.run("by('next').click(); by('next').click()")
    assert page.ids == [str(n) for n in range(100, 120)]
    assert page.run("return [by('previous').disabled, by('next').disabled]") == [False, True]


def test_the_address_brings_back_what_was_shown(page):
    page.choose("value", "even").choose("query", "how").run("by('next').click()")
    page.run("document.querySelector('.sample').open = true")
    before, link = (page.ids, page.count), page.hash
    assert link == "#probe=answers&field=group&value=even&q=how&page=2&id=100"
    page.browser.refresh()
    page.unpacked()
    assert (page.ids, page.count) == before
    assert page.run("return document.querySelector('.sample[open]').dataset.id") == "100"


def test_a_link_opens_its_sample_on_its_page(page):
    page.go("#probe=answers&id=77")
    assert page.count.endswith("page 2 of 3")
    assert "Question 77" in page.text(".sample[open]")
    link = page.run("return document.querySelector('.sample[open] .body a').getAttribute('href')")
    assert link == "#probe=answers&id=77"


def test_a_link_to_what_is_not_here_says_so(page):
    assert "no probe nothing" in page.go("#probe=nothing").text("#problem")
    assert "Sample 999 is not" in page.go("#probe=answers&id=999").text("#problem")


def test_a_changed_address_changes_what_is_shown(page):
    page.run("location.hash = '#probe=answers&show=failed'")
    assert page.ids == ["3"]


def focused(page: Opened) -> str:
    script = "return document.activeElement.closest('.sample, .card')?.dataset.id"
    return str(page.run(script))


def test_keys_go_from_sample_to_sample_open_them_and_turn_the_page(page):
    page.run("by('explorer').focus()")
    assert focused(page.press("j")) == "0"
    assert focused(page.press("j", "j", "k")) == "1"
    page.press("o")
    assert "Question 1:" in page.text(".sample[open]")
    page.press("j")  # the open one is closed, the next opened
    assert page.run("return [...document.querySelectorAll('.sample[open]')].map((s) => s.dataset.id)") == ["2"]  # fmt: skip
    from selenium.webdriver.common.keys import Keys

    page.run("by('explorer').focus()")
    assert page.press(Keys.ARROW_RIGHT).ids[0] == "50"
    assert focused(page.press("k")) == "99"  # from no sample, K is the last of the page
    assert focused(page.press("j")) == "100"  # and J beyond it the first of the next
    assert page.press(Keys.ARROW_LEFT).ids[0] == "50"


def test_a_key_searches_and_letters_typed_there_are_letters(page):
    from selenium.webdriver.common.keys import Keys

    page.run("by('explorer').focus()")
    page.press("/", "j", "o")
    assert page.run("return [document.activeElement.id, by('query').value]") == ["query", "jo"]
    page.press(Keys.ESCAPE)
    assert page.run("return document.activeElement.id") == "rows"


def test_keys_do_nothing_outside_of_the_explorer(page):
    page.run("by('theme').focus()")
    page.press("j", "/")
    assert page.run("return document.activeElement.id") == "theme"
