"""``csv``: every estimate of every run as one row, for a spreadsheet or a data frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalsuite.estimate_rows import COLUMNS, csv_bytes, estimate_rows
from evalsuite.exports.files import Export, ExportedFile
from evalsuite.store import Run


def export(runs: Sequence[Run]) -> Export:
    """One table: the columns of ``evalsuite.estimate_rows`` after the run's name.

    A job without estimates has a row with its status. An undefined number is ``nan`` and has its
    reason. Texts that a spreadsheet would calculate begin with an apostrophe.
    """
    table = csv_bytes(("run", *COLUMNS), _rows(runs))
    return Export((ExportedFile("estimates.csv", [table]),))


def _rows(runs: Sequence[Run]) -> Iterator[Sequence[Any]]:
    for run in runs:
        for row in estimate_rows(run.results):
            yield (run.name, *row.values())
