"""What all tests share: no network, one thread, a cache of their own, and where the data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of GPUs are skipped where there is none."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from one test to another, or in the user's own cache."""
    monkeypatch.setenv("EVALSUITE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that need it skip where it is absent."""
    named = os.environ.get("EVALSUITE_DATA")
    folder = Path(named) if named else Path(__file__).parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data sets here; set EVALSUITE_DATA to their folder")
    return folder
