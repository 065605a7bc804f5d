"""What a browser makes of the page, opened from its file: skipped where there is no Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from report.small_runs import make_run, result

from evalsuite.report import write

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


def test_a_deep_link_filters(page, tmp_path):
    link = "#probe=fairness%2Fimage-zero-shot-gap&show=failed"
    document, _ = opened(page, tmp_path, link)
    assert "filtered: 1 of 2 samples" in document
