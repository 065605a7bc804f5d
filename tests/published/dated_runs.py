"""Runs of different dates, for sites."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from compare.written_runs import Written, right, write_run

from evalsuite.store import Run

GOOD, BAD = [1] * 38 + [0] * 2, [1] * 20 + [0] * 20


def dated(path: Path, date: str, *jobs: Written, **plan: object) -> Run:
    """A written run that was planned at a date, on data of one fingerprint."""
    write_run(path, *jobs)
    facts = json.loads((path / "plan.json").read_text())
    sources = [
        {"name": "source", "type": "t", "options": {"path": "/home/me"}, "fingerprint": "f1"}
    ]
    facts = {**facts, "created": date, "sources": sources, **plan}
    (path / "plan.json").write_text(json.dumps(facts))
    return Run.open(path)


def answered(model: str, hits: Sequence[int]) -> Written:
    return Written(model, right(hits))


def three_runs(folder: Path) -> list[Run]:
    """October: a good, b bad. November: a is worse, c as good as a was. December: a again."""
    return [
        dated(folder / "october", "2026-10-01T08:00:00+00:00", answered("m:a", GOOD), answered("m:b", BAD)),
        dated(folder / "november", "2026-11-01T08:00:00+00:00", answered("m:a", BAD), answered("m:c", GOOD)),
        dated(folder / "december", "2026-12-01T08:00:00+00:00", answered("m:a", BAD)),
    ]  # fmt: skip


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a site."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
