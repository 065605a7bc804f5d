"""The records of a job as its metrics saw them, with the hash of every sample."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Table
from evalsuite.plan import Plan
from evalsuite.registry import installed
from evalsuite.run import replay
from evalsuite.store import JobResult, Run

SampleKey: TypeAlias = tuple[str, int]


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
    def rows(self) -> dict[SampleKey, int | None]:
        """Each sample by its hash and how often that came before: its row among the answered ones.

        A sample that could not be read has no hash, and is not among them.
        """
        found: dict[SampleKey, int | None] = {}
        row, seen = 0, Counter[str]()
        for content_hash, is_answered in zip(self.hashes, self.answered, strict=True):
            if content_hash:
                found[content_hash, seen[content_hash]] = row if is_answered else None
                seen[content_hash] += 1
            row += is_answered
        return found


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
