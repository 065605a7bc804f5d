"""One sample in a browser: side by side, with maps and players, in galleries, and folded."""

from __future__ import annotations

import base64
import gzip
import re
from dataclasses import replace

import numpy as np
import pytest
from report.opened import Opened
from report.small_runs import result

from evalsuite import Audio
from evalsuite.report import write
from evalsuite.store import Run, SampleRow, Store

# ------------------------------------------------------------------------------------------------
# Samples, side by side
# ------------------------------------------------------------------------------------------------


def test_a_sample_shows_the_question_once_and_every_models_answer(page):
    told = page.go("#probe=answers&id=7").text(".sample[open]")
    assert told.count("Question 7: how much is it?") == 2  # once in the line, once below
    assert told.count("reply 49") >= 1  # the target
    for words in ("m:a says", "m:b says", "0.05 s a sample"):
        assert words in told


def test_answers_unlike_the_first_models_are_marked(page):
    page.choose("show", "differs")
    marked = "return [...document.querySelectorAll('.sample summary b')].map((b) => b.parentNode.textContent)"
    assert page.run(marked) == ["m:b unlike the first: ≠ m:b says ✓"] * 3
    assert page.choose("show", "refused").run(marked) == []


def test_a_failed_sample_says_why(page):
    assert "the disk burned" in page.go("#probe=answers&id=3").text(".sample[open]")


def test_words_carry_what_they_counted_for(page):
    page.go("#probe=seen&id=words")
    titles = page.run(
        "return [...document.querySelectorAll('.word')].slice(0, 2).map((w) => w.title)"
    )
    assert titles == ["for the answer: 2", "against the answer: -1"]
    shade = "return getComputedStyle(document.querySelector('.word')).backgroundColor"
    assert page.run(shade) != "rgba(0, 0, 0, 0)"


def test_words_for_and_against_bear_signs(page):
    page.go("#probe=seen&id=words")
    signs = "return [...document.querySelectorAll('.word')].slice(0, 2).map((w) => w.textContent)"
    assert page.run(signs) == ["+good", "\u2212bad"]


def test_cells_against_the_answer_bear_a_dash(page):
    page.go("#probe=seen&id=picture")
    assert page.run("return document.querySelectorAll('.picture .dash').length") == 2  # one a model


def test_a_curve_stands_beside_its_map_with_the_random_order(page):
    """Areas by trapezoids: (.9 + .2) / 4 + (.2 + .1) / 4 = .35, and (1.5 + .7) / 4 = .55."""
    page.go("#probe=seen&id=picture")
    told = page.run("return document.querySelector('.explained .faithful svg').ariaLabel")
    assert told.endswith("taken away first: area 0.35, in random order 0.55")
    caption = page.run("return document.querySelector('.faithful figcaption').textContent")
    assert caption.endswith("first: area 0.35, in random order 0.55; lower is better")
    lines = (
        "return document.querySelectorAll('.explained .faithful .own, .faithful .random').length"
    )
    assert page.run(lines) == 4
    page.go("#probe=seen&id=clip")
    assert page.run("return document.querySelectorAll('.sample .random').length") == 2
    assert page.run("return document.querySelectorAll('.sample .own').length") == 4


def test_each_explainer_has_its_picture_under_its_name(page):
    page.go("#probe=seen&id=words")
    column = ".sample .models > div:first-child"
    heads = f"return [...document.querySelectorAll('{column} > .asked')].map((p) => p.textContent)"
    assert page.run(heads)[:2] == ["explained by saliency", "explained by lime"]
    assert page.run(f"return document.querySelectorAll('{column} .word').length") == 4
    assert page.run(f"return document.querySelectorAll('{column} .faithful').length") == 1


def test_what_is_explained_beside_the_answer_is_told_where_no_explainer_is(page):
    page.go("#probe=seen&id=transcript")
    heads = (
        "return [...document.querySelectorAll('.sample .models .asked')].map((p) => p.textContent)"
    )
    assert "explanation of another label" in page.run(heads)


def test_a_long_record_is_folded_after_its_first_columns(page):
    page.go("#probe=seen&id=words")
    folded = "document.querySelector('.sample .folded')"
    # predicted, explainer and twenty more, of which fourteen are shown
    assert page.run(f"return {folded}.querySelector('summary').textContent") == "8 more columns"
    assert page.run(f"return {folded}.querySelectorAll('dt').length") == 8


def test_a_transcript_stands_beside_its_reference(page):
    page.go("#probe=seen&id=transcript")
    assert page.run("return document.querySelectorAll('.text.compared del').length") == 4
    assert page.run("return document.querySelectorAll('.text.compared ins').length") == 2


def test_a_map_fades_with_its_slider(page):
    page.go("#probe=seen&id=picture")
    assert page.run("return document.querySelectorAll('.picture rect').length") == 8
    move = (
        "const at = document.querySelector('.strength input'); at.value = 25;"
        "at.dispatchEvent(new Event('input'));"
        "return getComputedStyle(document.querySelector('.picture svg')).opacity"
    )
    assert page.run(move) == "0.25"


def test_the_playhead_follows_the_player(page):
    page.go("#probe=seen&id=clip")
    assert page.run("return document.querySelector('.playhead').hidden")
    seek = (
        "const player = document.querySelector('.clip audio'), done = arguments[0];"
        "player.addEventListener('seeked', () => setTimeout(() => {"
        "const line = document.querySelector('.playhead');"
        "done([line.hidden, line.style.left]); }));"
        "player.preload = 'auto';"
        "player.addEventListener('loadedmetadata', () => {"
        "const plot = document.querySelector('.spectrogram'), box = plot.getBoundingClientRect();"
        "plot.dispatchEvent(new MouseEvent('click', { clientX: box.left + box.width / 2 })); });"
        "player.load();"
    )
    hidden, left = page.browser.execute_async_script(seek)
    assert not hidden
    assert float(left.rstrip("%")) == pytest.approx(50, abs=1)


# ------------------------------------------------------------------------------------------------
# Galleries, secrets, theme, downloads
# ------------------------------------------------------------------------------------------------


def test_a_gallery_shows_pictures_and_clips_and_leads_to_the_sample(page):
    assert page.run("return by('view-choice').hidden")  # nothing to see among answers
    page.go("#probe=seen&view=gallery")
    assert page.ids == ["picture", "clip"]
    assert page.run("return document.querySelector('.card img').loading") == "lazy"
    assert "2 more samples here" in page.text("#rows")
    page.run("document.querySelector('.card button').click()")
    assert page.hash == "#probe=seen&id=picture"
    assert page.run("return document.querySelector('.sample[open]').dataset.id") == "picture"


@pytest.mark.parametrize("view", ["list", "gallery"])
def test_secrets_are_folded_until_asked_for_and_stay_open_then(page, view):
    page.go(f"#probe=secret&view={view}")
    assert "PIN" not in page.text("#rows")
    page.run("document.querySelector('.secret summary').click()")
    assert "PIN" in page.text("#rows")
    page.choose("query", "PIN")
    assert "PIN" in page.text("#rows")


def test_the_theme_changes_and_changes_back(page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(paper)
    page.run("by('theme').click()")
    assert page.run(paper) != light
    page.run("by('theme').click()")
    assert page.run(paper) == light


def test_downloads_decode(page):
    links = page.run(
        "return [...document.querySelectorAll('#downloads a')].map((a) => [a.download, a.href])"
    )
    files = {name: base64.b64decode(uri.partition(",")[2]) for name, uri in links}
    assert files["estimates.csv"].startswith(b"model,probe")
    samples = gzip.decompress(files["samples.jsonl.gz"]).splitlines()
    assert len(samples) == 120 + 4 + 1


def test_without_scripts_what_to_look_at_first_can_be_read(page):
    cdp = page.browser.execute_cdp_cmd
    cdp("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.browser.get("about:blank")
        page.browser.get(page.address)
        from selenium.webdriver.common.by import By

        static = page.browser.find_element(By.ID, "static")
        told = static.get_property("textContent")
        assert static.is_displayed()
    finally:
        cdp("Emulation.setScriptExecutionDisabled", {"value": False})
    for words in ("the disk burned", "Question 5: how much", "m:b says"):
        assert words in told
    assert "PIN" not in told


def test_a_browser_that_cannot_unpack_says_where_the_samples_are(page):
    cdp = page.browser.execute_cdp_cmd
    old = "delete window.DecompressionStream"
    added = cdp("Page.addScriptToEvaluateOnNewDocument", {"source": old})
    try:
        page.browser.get("about:blank")
        page.browser.get(page.address)
        page.run("return 0")
        assert "they are under Downloads" in page.text("#broken")
        assert page.run("return [by('explorer').hidden, by('static').hidden]") == [True, False]
    finally:
        cdp("Page.removeScriptToEvaluateOnNewDocument", {"identifier": added["identifier"]})


# ------------------------------------------------------------------------------------------------
# Maps of clips
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mapped(one_browser, tmp_path_factory) -> Opened:
    """One clip of 20 s at 8 kHz, and what two probes found in it."""
    folder = tmp_path_factory.mktemp("mapped")
    clip = Audio.from_array(np.sin(np.arange(160_000)).astype(np.float32), 8000)
    store = Store(folder / "run")
    store.write_media(clip.sha256, clip.encoded())
    store.write_plan({"models": [{"name": "m:a"}]})
    for name, record in (
        ("in-time", {"map": "[[4, -1, 0, 2]]"}),
        ("in-time-and-frequency", {"map": "[[1, 0], [0, -1]]", "map_hz": "[4000, 700, 0]"}),
    ):
        item = result("m:a", 0.5, 0.4, 0.6, name=name)
        asked = {"asked": "EmbedAudio", "parts": [{"audio": clip.sha256}], "answer": {}}
        store.write_samples(name, [SampleRow("1", "h", "ok", record=record, exchange=(asked,))])
        store.write_result(replace(item, id=name, n_samples=1))
    store.write_manifest({"versions": {}, "complete": True})
    store.close()
    return Opened(one_browser, write([Run.open(folder / "run")], folder / "report.html").as_uri())


def cells(document: str) -> tuple[str, list[list[float]]]:
    """The view box of a clip's map, and x, y, width and height of each cell."""
    found = re.search(
        r'<svg viewBox="([^"]*)"[^>]*aria-label="importance of each cell.*?</svg>', document
    )
    numbers = re.findall(r'<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', found[0])
    return found[1], [[float(number) for number in cell] for cell in numbers]


def test_a_map_in_time_is_cut_where_its_clip_is(mapped):
    """Of four cells in 20 s, 12 s hold 4 x 12 / 20 = 2.4."""
    document = mapped.go("#probe=in-time&id=1").run("return by('rows').innerHTML")
    assert "first 12.0 of 20.0 s" in document
    assert 'alt="mel spectrogram, 0 to 12.0 s, 0 to 4 kHz"' in document
    assert '<div class="strip"><svg' in document
    view, found = cells(document)
    assert view == "0 0 2.4 1"
    assert [cell[0] for cell in found] == [0, 1, 2, 3]


def test_a_map_in_time_and_frequency_lies_on_the_spectrograms_axis(mapped):
    """700 Hz lie at log10(1 + 1) / log10(1 + 4000 / 700) = 0.3641 of the height from below."""
    document = mapped.go("#probe=in-time-and-frequency&id=1").run("return by('rows').innerHTML")
    assert '<div class="spectrogram mapped">' in document
    _, found = cells(document)
    tops, heights = [cell[1] for cell in found], [cell[3] for cell in found]
    assert tops == pytest.approx([0, 0, 0.6359, 0.6359], abs=1e-4)
    assert heights == pytest.approx([0.6359, 0.6359, 0.3641, 0.3641], abs=1e-4)
    assert "map_hz" not in document
