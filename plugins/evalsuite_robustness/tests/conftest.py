"""Recordings, as a user would bring them."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import Audio


@pytest.fixture
def recordings(tmp_path):
    """A folder with two short noises, and a file that is none."""
    rng = np.random.default_rng(0)
    for name in ("cafe", "street"):
        noise = Audio.from_array(0.1 * rng.standard_normal(3000), 8000)
        (tmp_path / f"{name}.wav").write_bytes(noise.encoded())
    (tmp_path / "notes.txt").write_text("no sound")
    return tmp_path
