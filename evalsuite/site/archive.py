"""The part of a run that a site keeps: what its report shows, and every sample's record.

What is kept is a run directory again: it can be reported, compared and exported, and the site can
be built anew when more runs come. What was asked and said, media, paths of the machine, options of
models and data, and keys are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from evalsuite.documents import finite, storable, write_atomically, write_json
from evalsuite.errors import UsageError
from evalsuite.report.credentials import without_credentials
from evalsuite.report.noteworthy import is_picture
from evalsuite.store import JobResult, Run, SampleRow, estimate_to_json, samples_parquet

_SCHEMA_VERSION = 1
# Of the manifest; hashes of files that are not kept would mislead.
_FACTS = frozenset(
    ("complete", "started", "seconds", "versions", "plugins", "hardware", "git", "models")
)
_ID_LENGTH = 16
_SAFE_ID = re.compile(r"(?!\.)[^/\\\x00-\x1f]{1,200}")


def run_id(run: Run) -> str:
    """A name of what a run planned and found: the same for the same, and for nothing else."""
    facts = json.dumps([_plan(run.plan), [_result(r) for r in run.results]], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:_ID_LENGTH]


def keep(run: Run, folder: Path) -> None:
    """Write the public part of a run into a folder.

    Raises:
        UsageError: A job's name is none that a file may have.
        StoreError: The disk is full or read-only.
    """
    for result in run.results:
        if not _SAFE_ID.fullmatch(result.id):
            raise UsageError(
                f"The run {run.path} has a job named {result.id[:60]!r}, which is no name for a "
                "file: it was not written by `evalsuite run`, and is not published."
            )
        rows = [_row(row, result.sensitive) for row in run.samples(result.id)]
        if rows:
            write_atomically(folder / "samples" / f"{result.id}.parquet", samples_parquet(rows))
    jobs = [_result(result) for result in run.results]
    write_json(folder / "estimates.json", {"schema_version": _SCHEMA_VERSION, "jobs": jobs})
    facts = {name: value for name, value in run.manifest.items() if name in _FACTS}
    write_json(folder / "manifest.json", {"schema_version": _SCHEMA_VERSION, **facts})
    # Last, for it makes the folder a run directory.
    write_json(folder / "plan.json", _plan(run.plan))


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan without paths of the machine, options of models and data, and keys."""
    texts = {
        name: storable(without_credentials(str(plan[name])))
        for name in ("suite_text", "command")
        if name in plan
    }
    emptied: dict[str, Any] = {"suite_path": "", "parameters": {}}
    emptied = {name: empty for name, empty in emptied.items() if name in plan}
    listed = {
        name: [{**item, **({"options": {}} if "options" in item else {})} for item in plan[name]]
        for name in ("models", "sources")
        if name in plan
    }
    public: dict[str, Any] = finite({**plan, **texts, **emptied, **listed})
    return public


def _result(result: JobResult) -> dict[str, Any]:
    document = asdict(replace(result, estimates=()))
    document["estimates"] = [estimate_to_json(estimate) for estimate in result.estimates]
    public: dict[str, Any] = finite(document)
    return public


def _row(row: SampleRow, is_sensitive: bool) -> SampleRow:
    """A sample without what was asked or is drawn; one that may hold secrets without any text."""
    record = {
        name: value
        for name, value in row.record.items()
        if not is_picture(name) and not (is_sensitive and isinstance(value, str))
    }
    if not is_sensitive:
        return replace(row, record=record, exchange=())
    name = hashlib.sha256(row.id.encode("utf-8", "replace")).hexdigest()[:_ID_LENGTH]
    return replace(row, id=name, reason=row.reason.partition(":")[0], record=record, exchange=())
