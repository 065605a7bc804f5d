"""Where each suite's, task's and policy's file lies; an attribute for each, named like the file.

``suite_quickstart`` is the function that gives the path of suites/quickstart.yaml,
``task_arc_challenge`` that of tasks/arc-challenge.yaml, and ``policy_quickstart`` that of
policies/quickstart.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

FOLDER = Path(__file__).parent
FOLDERS = {"suite": "suites", "task": "tasks", "policy": "policies"}


def names(kind: str) -> Iterator[str]:
    """The names of all suites, tasks or policies."""
    return (path.stem for path in sorted((FOLDER / FOLDERS[kind]).glob("*.yaml")))


def attribute(kind: str, name: str) -> str:
    """The attribute of this module for a suite, a task or a policy."""
    return f"{kind}_{name.replace('-', '_')}"


def summary(kind: str, name: str) -> str:
    """The first comment line of a suite or policy, or the description of a task."""
    for line in _path(kind, name).read_text(encoding="utf-8").splitlines():
        if line.startswith("description: ") and kind == "task":
            return line.removeprefix("description: ").rstrip(".")
        if line.startswith("# ") and kind != "task":
            return line.removeprefix("# ").rstrip(".")
    return ""


def medium(task: str) -> str:
    """What a task is about: ``image``, ``audio`` or ``text``, by its options or its probe."""
    text = _path("task", task).read_text(encoding="utf-8")
    told = re.search(r"^options:.*\bmedium: (\w+)", text, re.M)
    plugin = text.partition("\nprobe: ")[2].partition("/")[0]
    return told[1] if told else {"vision": "image", "audio": "audio"}.get(plugin, "text")


def _path(kind: str, name: str) -> Path:
    return FOLDER / FOLDERS[kind] / f"{name}.yaml"


def __getattr__(wanted: str) -> Callable[[], Path]:
    """The function for one file."""
    kind = wanted.partition("_")[0]
    for name in names(kind) if kind in FOLDERS else ():
        if attribute(kind, name) == wanted:
            return partial(_path, kind, name)
    raise AttributeError(f"no suite, task or policy is called {wanted!r}")
