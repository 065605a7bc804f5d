"""What a browser makes of the page, opened from its file: skipped where there is no Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report.small_runs import make_run, result

from evalsuite import Audio
from evalsuite.report import write
from evalsuite.store import Run, SampleRow, Store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    run = make_run(
        folder / "run",
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.5, 0.4, 0.6),
    )
    return write([run], folder / "report.html")


def opened(page: Path, folder: Path, hash_: str = "") -> tuple[str, str]:
    """The document after its script ran, and what the browser had to say."""
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={folder}", "--virtual-time-budget=5000", "--dump-dom",
         f"{page.as_uri()}{hash_}"],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    said = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return done.stdout, said


def test_the_explorer_opens_from_a_file_without_a_complaint(page, tmp_path):
    document, said = opened(page, tmp_path)
    assert said == ""  # neither an error nor a breach of the content security policy
    assert document.count('<details class="sample"') == 2
    assert 'id="broken" hidden' in document


def test_hostile_text_is_shown_and_runs_nowhere(page, tmp_path):
    document, _ = opened(page, tmp_path)
    assert "<img src=" not in document
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in document


def test_a_deep_link_opens_its_sample_with_picture_sound_and_map(page, tmp_path):
    link = "#probe=fairness%2Fimage-zero-shot-gap&show=all&id=1"
    document, said = opened(page, tmp_path, link)
    assert said == ""
    assert '<img class="pixelated" src="data:image/png' in document
    assert '<audio controls="" src="data:audio/mpeg' in document
    assert 'aria-label="importance of each cell for the answer"' in document
    assert 'alt="mel spectrogram, 0 to 0.5 s, 0 to 4 kHz"' in document
    assert '<span class="playhead" hidden="">' in document
    assert "0.5 s · 0 to 4 kHz, mel-spaced" in document


def test_a_deep_link_filters(page, tmp_path):
    link = "#probe=fairness%2Fimage-zero-shot-gap&show=failed"
    document, _ = opened(page, tmp_path, link)
    assert "filtered: 1 of 2 samples" in document


# ------------------------------------------------------------------------------------------------
# Maps of clips
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mapped(tmp_path_factory) -> Path:
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
    return write([Run.open(folder / "run")], folder / "report.html")


def cells(document: str) -> tuple[str, list[list[float]]]:
    """The view box of a clip's map, and x, y, width and height of each cell."""
    found = re.search(
        r'<svg viewBox="([^"]*)"[^>]*aria-label="importance of each cell.*?</svg>', document
    )
    numbers = re.findall(r'<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', found[0])
    return found[1], [[float(number) for number in cell] for cell in numbers]


def test_a_map_in_time_is_cut_where_its_clip_is(mapped, tmp_path):
    """Of four cells in 20 s, 12 s hold 4 x 12 / 20 = 2.4."""
    document, said = opened(mapped, tmp_path, "#probe=in-time&id=1")
    assert said == ""
    assert "first 12.0 of 20.0 s" in document
    assert '<div class="strip"><svg' in document
    view, found = cells(document)
    assert view == "0 0 2.4 1"
    assert [cell[0] for cell in found] == [0, 1, 2, 3]


def test_a_map_in_time_and_frequency_lies_on_the_spectrograms_axis(mapped, tmp_path):
    """700 Hz lie at log10(1 + 1) / log10(1 + 4000 / 700) = 0.3641 of the height from below."""
    document, _ = opened(mapped, tmp_path, "#probe=in-time-and-frequency&id=1")
    assert '<div class="spectrogram mapped">' in document
    _, found = cells(document)
    tops, heights = [cell[1] for cell in found], [cell[3] for cell in found]
    assert tops == pytest.approx([0, 0, 0.6359, 0.6359], abs=1e-4)
    assert heights == pytest.approx([0.6359, 0.6359, 0.3641, 0.3641], abs=1e-4)
    assert "map_hz" not in document.partition('id="rows"')[2].partition("</section>")[0]
