"""What several tests of privacy probes share."""

from __future__ import annotations

import pytest
from remembered_pictures import train


@pytest.fixture(scope="session")
def leaky_vlm(tmp_path_factory) -> str:
    """A LLaVA that remembers every second picture and its words, in a folder."""
    folder = str(tmp_path_factory.mktemp("vlm"))
    train(folder)
    return folder
