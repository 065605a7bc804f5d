"""Reference against transcript: marked in form and words, with scripts and without, never markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report.headless import headless
from report.opened import Opened
from report.small_runs import HOSTILE, result
from report.test_explorer import run_of

from evalsuite.report import write
from evalsuite.report.compared import (
    MAX_CHARACTERS,
    MarkedWords,
    has_errors,
    marked_words,
    shortened,
)
from evalsuite.report.explorer import explore
from evalsuite.store import SampleRow
from evalsuite.transcripts import BASIC, utterance_record

LINK = f"#probe={result('m:a', 0.5, 0.4, 0.6).label}&id=1"


def heard(name: str, reference: str, hypothesis: str) -> SampleRow:
    return SampleRow(name, "h", "ok", record=utterance_record(reference, hypothesis, BASIC))


def test_an_alignment_is_read_as_it_was_written():
    record = utterance_record("the big cat sat on it", "a big cat on it now", BASIC)
    assert marked_words(record) == (
        MarkedWords("S", "the", "a"),
        MarkedWords("=", "big cat"),
        MarkedWords("D", "sat"),
        MarkedWords("=", "on it"),
        MarkedWords("I", "", "now"),
    )
    assert has_errors(record)
    assert not has_errors(utterance_record("a b", "a b", BASIC))


@pytest.mark.parametrize(
    "value", [None, 0.5, "no json", "[1]", '[["?", "a"]]', '[["=", "a", "b", "c"]]']
)
def test_a_column_of_another_form_is_no_alignment(value):
    assert marked_words({"word_alignment": value}) == ()
    assert shortened({"word_alignment": value}) is None


def test_a_long_alignment_is_cut_and_says_so():
    words = [f"word{i}" for i in range(2000)]
    record = utterance_record(" ".join(words), " ".join(words[:1999]), BASIC)
    kept = json.loads(shortened(record))
    assert sum(len(text) for row in kept for text in row) <= MAX_CHARACTERS + 10
    assert kept[-1] == ["…", ""]
    assert words[0] in kept[0][1]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    rows = [heard("1", "the big cat sat on it", "a big cat on it now"), heard("2", "a b", "a b")]
    row = SampleRow(
        "3", "h", "ok", record={"word_alignment": json.dumps([["S", HOSTILE, HOSTILE]])}
    )
    run = run_of(folder / "run", ("m:a", [*rows, row]))
    return write([run], folder / "report.html")


def test_errors_stand_in_the_page_without_scripts(page):
    text = page.read_text(encoding="utf-8")
    static = text[text.index('id="static"') :]
    assert "First transcripts with errors" in static
    plain = re.sub(r"\s+", " ", static)
    assert '<del><span class="visually-hidden">not heard: </span>sat</del>' in plain
    assert '<ins><span class="visually-hidden">not said: </span>now</ins>' in plain
    assert plain.count('<span class="swap">') == 3  # the key, "the" as "a", and the hostile one
    assert "<img" not in static.replace("&lt;img", "")


def test_only_transcripts_with_errors_are_listed(tmp_path):
    rows = [heard("1", "a b", "a b"), heard("2", "a b", "a c")]
    (found,) = explore([run_of(tmp_path / "run", ("m:a", rows))]).listed("erring")
    assert found.id == "2"


def test_where_models_differ_both_are_compared_and_listed_once(tmp_path):
    jobs = (("m:a", [heard("1", "a b", "a b")]), ("m:b", [heard("1", "a b", "a c")]))
    explorer = explore([run_of(tmp_path / "run", *jobs)])
    (found,) = explorer.listed("differs")
    assert [words.kind for words in found.compared["m:b"]] == ["=", "S"]
    assert explorer.listed("erring") == []


def test_the_explorer_marks_errors_in_form_and_in_words(page):
    with headless() as browser:
        opened = Opened(browser, page.as_uri()).go(LINK)
        explorer = opened.run("return by('rows').innerHTML")
        assert opened.complaints == []
    assert "Reference against transcript" in explorer
    assert '<del><span class="visually-hidden">not heard: </span>sat</del>' in explorer
    assert '<ins><span class="visually-hidden">not said: </span>now</ins>' in explorer
    assert "struck out" in explorer
