"""The documents of an imported task: the run's own copy of the log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import DataError, Sample
from evalsuite_lm_eval.imported.log import LoggedTask


@dataclass(frozen=True)
class LoggedAnswer:
    """What a model answered to one document.

    Its text is the task's name: a sample's content hash rests on the task and the document, not
    on the answer, and is that of the same document asked through the ``lm_eval`` source.
    """

    task: str
    row: Mapping[str, Any]

    def __str__(self) -> str:
        return self.task


@dataclass(frozen=True)
class ImportedDocuments:
    """One sample for each document of a task in a log; one in all where it kept only results.

    Attributes:
        path: JSON Lines, as ``evalsuite import-log`` writes them.
        task: The task's name.
    """

    path: str
    task: str

    def rows(self) -> Iterator[Sample]:
        """The documents in the log's order."""
        for row in self._rows():
            fields = {"task": LoggedAnswer(self.task, row), "doc": row["document"]}
            yield Sample(f"{self.task}/{row['id']}", fields)

    def check(self) -> None:
        """Raises DataError when the file is missing or is not what ``import-log`` writes."""
        next(self.rows(), None)

    def count(self) -> int:
        """How many documents there are."""
        return sum(1 for _ in self._rows())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return hashlib.sha256(Path(self.path).read_bytes()).hexdigest()

    def _rows(self) -> Iterator[dict[str, Any]]:
        if not Path(self.path).is_file():
            raise DataError(
                f"{self.path}: the run's copy of the log is missing; `evalsuite import-log` writes "
                "it. Import the log again."
            )
        with Path(self.path).open(encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)


def copy_of(task: LoggedTask) -> bytes:
    """A task's documents as JSON Lines; without any, one line that stands for the results."""
    lines = [document.to_json() for document in task.documents]
    if not lines:
        lines = [{"id": "results", "document": None, "values": {}, "failure": None}]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(
        "utf-8", "backslashreplace"
    )
