"""Where each suite's file lies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

FOLDER = Path(__file__).parent / "suites"


def _path(name: str) -> Path:
    return FOLDER / f"{name}.yaml"


quickstart: Callable[[], Path] = partial(_path, "quickstart")
crows_pairs: Callable[[], Path] = partial(_path, "crows-pairs")
blimp: Callable[[], Path] = partial(_path, "blimp")
mnist: Callable[[], Path] = partial(_path, "mnist")
esc10: Callable[[], Path] = partial(_path, "esc10")
fleurs_english: Callable[[], Path] = partial(_path, "fleurs-english")
compas: Callable[[], Path] = partial(_path, "compas")
