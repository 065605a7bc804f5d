"""One browser for all tests that open the explorer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from report.browsed_runs import browsed_page
from report.headless import headless
from report.opened import Opened


@pytest.fixture(scope="session")
def one_browser() -> Iterator[Any]:
    with headless("--force-prefers-reduced-motion", "--window-size=1100,1000") as found:
        yield found


@pytest.fixture(scope="session")
def opened(one_browser, tmp_path_factory) -> Opened:
    return Opened(one_browser, browsed_page(tmp_path_factory.mktemp("browsed")).as_uri())


@pytest.fixture
def page(opened) -> Iterator[Opened]:
    """The page, fresh; whatever a test does must not make the browser complain."""
    opened.complaints  # noqa: B018  those of others are read away
    yield opened.go()
    assert opened.complaints == []
