"""The page is HTML without errors, and its parts refer to parts that are there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from report.small_runs import make_page

html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed")

# What may stand inside a paragraph, a heading or a button; of those that the page has.
PHRASING = frozenset(
    [
        "a",
        "abbr",
        "audio",
        "bdi",
        "br",
        "button",
        "code",
        "del",
        "img",
        "input",
        "ins",
        "kbd",
        "label",
        "output",
        "select",
        "span",
        "strong",
        "svg",
    ]
)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    return make_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def tree(page):
    return html5lib.parse(page.read_text(encoding="utf-8"), namespaceHTMLElements=False)


def test_the_parser_of_the_html_standard_finds_no_error(page):
    """Strict: the first error of tokenizer or tree construction is an exception."""
    html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))


def test_a_name_stands_for_one_element(tree):
    counts = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert [name for name, n in counts.items() if n > 1] == []


def test_links_within_the_page_lead_somewhere(tree):
    names = {element.get("id") for element in tree.iter()}
    targets = {a.get("href", "")[1:] for a in tree.iter("a") if a.get("href", "").startswith("#")}
    assert targets - names == set()


def test_labels_and_descriptions_refer_to_what_is_there(tree):
    names = {element.get("id") for element in tree.iter()}
    wanted = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list")
    targets = {n for e in tree.iter() for key in wanted for n in e.get(key, "").split()}
    assert targets - names == set()


def test_every_table_has_a_caption_and_heads_with_a_scope(tree):
    for table in tree.iter("table"):
        assert "".join(table.find("caption").itertext()).strip()
        assert {head.get("scope") for head in table.iter("th")} <= {
            "col", "row", "colgroup", "rowgroup",
        }  # fmt: skip


def test_rows_are_as_wide_as_their_table(tree):
    for table in tree.iter("table"):
        widths = {
            sum(int(cell.get("colspan", 1)) for cell in row if cell.tag in ("td", "th"))
            for row in table.iter("tr")
        }
        assert len(widths) == 1


def test_paragraphs_headings_and_buttons_hold_phrases_only(tree):
    for name in ("p", "h1", "h2", "h3", "button", "summary", "figcaption", "dt"):
        for element in tree.iter(name):
            inside = {e.tag for e in element.iter() if e is not element and isinstance(e.tag, str)}
            in_drawings = {e.tag for svg in element.iter("svg") for e in svg.iter()}
            assert inside - in_drawings - PHRASING == set()
