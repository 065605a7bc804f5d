"""Rebuild a control model from its recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evalsuite.registry import import_object
from evalsuite_controls.catalogue import SEED, Control

Progress = Callable[[int, int], None]


def build(control: Control, directory: Path, on_progress: Progress = lambda done, of: None) -> Path:
    """Train a control by its recipe and seed, and save it as float16 safetensors.

    Args:
        control: Which.
        directory: Where the model's directory is written (it must not matter what it is called).
        on_progress: Called after every step with the steps done and the steps in all.

    Returns:
        The directory, loadable through the scheme of the control.
    """
    recipe = import_object(f"evalsuite_controls.recipes.{control.recipe}")
    directory.mkdir(parents=True, exist_ok=True)
    recipe(directory, SEED, on_progress)
    return directory
