"""Where tasks are defined: names to YAML files, without reading thousands of files every time.

The harness reads all its task files on every start. The files of the user's own folder are few and
are read every time; the index of the built-in ones is kept beside the other caches, by version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lm_eval.tasks
from lm_eval.tasks import TaskManager
from lm_eval.tasks._index import Entry, Kind

from evalsuite import DataError

BUILT_IN = Path(lm_eval.tasks.__file__).parent


def manager_for(task: str, include_path: str | None, metadata: dict[str, Any]) -> TaskManager:
    """A task manager that knows ``task``; built-in tasks are indexed only where they are needed.

    Raises:
        DataError: ``include_path`` is no folder.
    """
    if include_path is not None and not Path(include_path).is_dir():
        raise DataError(
            f"include_path {include_path!r} is not a folder; name the folder in which the task's "
            "YAML file lies."
        )
    manager = TaskManager(include_path=include_path, include_defaults=False, metadata=metadata)
    if not Path(task).is_file() and not _is_complete(task, manager.task_index):
        own = dict(manager.task_index)
        manager.task_index.update(built_in_index())
        manager.task_index.update(own)
    return manager


def _is_complete(name: str, index: Mapping[str, Entry]) -> bool:
    """Whether a task, or every member of a group or tag, is in an index."""
    entry = index.get(name)
    if entry is None:
        return False
    if entry.kind is Kind.TAG:
        return all(_is_complete(member, index) for member in entry.tags)
    if entry.kind is not Kind.GROUP:
        return True
    members = (entry.cfg or {}).get("task", [])
    named = [m if isinstance(m, str) else m.get("task", m.get("group")) for m in members]
    return all(isinstance(m, str) and _is_complete(m, index) for m in named)


def built_in_index() -> dict[str, Entry]:
    """Every task, group and tag that comes with the harness; from the cache where it is current."""
    from evalsuite.documents import write_json
    from evalsuite.executor import cache_directory

    path = cache_directory() / f"lm-eval-tasks-{version('lm-eval')}.json"
    remembered = _read(path)
    if remembered is not None:
        return remembered
    index = TaskManager().task_index
    entries = {
        name: [
            entry.kind.name,
            entry.yaml_path.relative_to(BUILT_IN).as_posix() if entry.yaml_path else None,
            sorted(entry.tags),
        ]
        for name, entry in index.items()
    }
    write_json(path, {"folder": str(BUILT_IN), "entries": entries})
    return dict(index)


def _read(path: Path) -> dict[str, Entry] | None:
    """A remembered index; None when there is none, or it is of another installation."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["folder"] != str(BUILT_IN):
            return None
        return {
            name: Entry(name, Kind[kind], BUILT_IN / yaml if yaml else None, None, set(tags))
            for name, (kind, yaml, tags) in document["entries"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None
