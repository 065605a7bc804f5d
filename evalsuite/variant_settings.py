"""A suite's variants at their settings: what they are called, and the probe over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsuite.all_changes import AllChanges, Change
from evalsuite.figure import clusters_of, figures_of, groups_of
from evalsuite.metric import Metric
from evalsuite.registry import Registry


def name_of(setting: Mapping[str, Any], dial: str) -> str:
    """A variant's name, where its dial stands, and what else the suite chose; no folder names."""
    return " ".join(_words(setting, dial))


def _words(setting: Mapping[str, Any], dial: str) -> Iterator[str]:
    yield str(setting["variant"])
    if dial in setting:
        yield str(setting[dial])
    for name, value in setting.items():
        if name not in ("variant", dial):
            yield f"{name}={Path(value).name if is_path(name, value) else value}"


def is_path(key: str, value: Any) -> bool:
    """Options that name files are called ``path`` or ``..._path``, by convention."""
    return isinstance(value, str) and (key == "path" or key.endswith("_path"))


def all_changes_of(
    settings: Sequence[Mapping[str, Any]], metrics: Sequence[Metric], registry: Registry
) -> AllChanges | None:
    """The probe over all changes that leave something to answer; None where no figure can change.

    Args:
        settings: Of all variants of one entry.
        metrics: Of the entry's probe.
        registry: Where the variants are found.
    """
    changes = []
    for setting in settings:
        variant = registry.require("variant", str(setting["variant"])).load()
        if variant.answers != "gone":
            without_dial = {k: v for k, v in setting.items() if k != variant.dial}
            kind = name_of(without_dial, "")
            changes.append(Change(name_of(setting, variant.dial), kind, variant.answers == "kept"))
    figures = figures_of(metrics)
    if not figures or not changes:
        return None
    return AllChanges(figures, tuple(changes), clusters_of(metrics), groups_of(metrics))
