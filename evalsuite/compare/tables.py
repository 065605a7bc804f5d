"""The records of a job as its metrics saw them, with the hash of every sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Table
from evalsuite.plan import Plan
from evalsuite.registry import installed
from evalsuite.replay import replay
from evalsuite.store import JobResult, Run

Key = tuple[str, int]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a run has of one job, sample by sample.

    Attributes:
        hashes: Content hash of every sample in source order, empty where it could not be read.
        answered: Whether each was answered.
        table: The records of the answered ones, in that order.
    """

    hashes: tuple[str, ...]
    answered: tuple[bool, ...]
    table: Table

    @cached_property
    def keyed(self) -> dict[Key, int | None]:
        """Each sample's hash with how often it came before, and its row among the answered ones."""
        found: dict[Key, int | None] = {}
        row, seen = 0, Counter[str]()
        for content_hash, answered in zip(self.hashes, self.answered, strict=True):
            if content_hash:  # a sample that could not be read has none
                found[content_hash, seen[content_hash]] = row if answered else None
                seen[content_hash] += 1
            row += answered
        return found

    @cached_property
    def order(self) -> tuple[Key, ...]:
        """All keys in an order of their own, whatever the run's was."""
        return tuple(sorted(self.keyed))

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """The rows in that order; -1 for samples that were not answered."""
        return self.rows_of(self.order)

    def rows_of(self, keys: Sequence[Key]) -> npt.NDArray[np.int64]:
        """The rows of some samples; -1 for those that were not answered."""
        found = (self.keyed[key] for key in keys)
        return np.array([-1 if row is None else row for row in found], dtype=np.int64)

    @property
    def n_failed(self) -> int:
        """How many were not answered."""
        return len(self.answered) - sum(self.answered)


def stored_samples(run: Run, job: JobResult) -> Samples:
    """The samples of a job as stored; their records hold scalars only."""
    rows = list(run.outcomes(job.id))
    records = [record for _, is_answered, record in rows if is_answered]
    return Samples(
        hashes=tuple(content_hash for content_hash, _, _ in rows),
        answered=tuple(is_answered for _, is_answered, _ in rows),
        table=Table.from_records(records, len(rows) - len(records)),
    )


def replayed_table(run: Run, job: JobResult, answered: tuple[bool, ...]) -> Table | None:
    """The records of a job made anew from its stored answers, vectors and all.

    None where they cannot be: the data or a plugin are gone, or other samples are answered now.
    """
    try:
        plan = Plan.from_json(run.plan)
        planned = next(planned for planned in plan.jobs if planned.id == job.id)
        records = replay(plan, planned, run.path, installed())
    except Exception:  # noqa: BLE001  whatever is gone, the stored estimates remain
        return None
    if tuple(record is not None for record in records) != answered:
        return None
    return Table.from_records([record for record in records if record is not None], job.n_failed)


def rows_of(table: Table, rows: npt.NDArray[np.int64]) -> Table:
    """Some rows of a table, in the order given and as often as given."""
    columns = {name: column[rows] for name, column in table.columns.items()}
    return Table(columns, len(rows), 0)
