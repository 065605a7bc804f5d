"""A headless Chromium for tests, driven through selenium; skipped where one of the two is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


@contextmanager
def headless(*options: str) -> Iterator[Any]:
    """A browser with more command line options; closed at the end."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    if CHROMIUM is None or DRIVER is None:
        pytest.skip("Chromium or its driver is not installed")
    chosen = selenium.ChromeOptions()
    chosen.binary_location = CHROMIUM
    for option in ("--headless", "--no-sandbox", "--disable-gpu", *options):
        chosen.add_argument(option)
    browser = selenium.Chrome(options=chosen, service=Service(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def show(
    browser: Any, page: Path, *, theme: str = "light", width: int = 1100, height: int = 900
) -> None:
    """Open a page in a theme of the system and a window of this size, in CSS pixels."""
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get(page.as_uri())
