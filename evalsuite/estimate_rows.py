"""Every estimate as one row of a table, and such tables as CSV that a spreadsheet can open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.foreign_text import written_out
from evalsuite.metric import Estimate
from evalsuite.store import JobResult

COLUMNS = (
    "model", "probe", "label", "family", "metric", "slice", "value", "low", "high", "level",
    "method", "unit", "n", "n_failed", "null", "margin", "direction", "is_primary", "verdict",
    "reason", "status",
)  # fmt: skip
# What spreadsheets read as the beginning of a formula, full-width forms included.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


@dataclass(frozen=True)
class EstimateRow:
    """One estimate of one job; ``None`` for a job without any, which is never left out."""

    result: JobResult
    estimate: Estimate | None

    def values(self) -> tuple[Any, ...]:
        """The row under COLUMNS; what there is not is None, an undefined number NaN."""
        r, e = self.result, self.estimate
        named = (r.model, r.probe, r.label, r.family)
        if e is None:
            nothing = (None,) * (len(COLUMNS) - len(named) - 3)
            return (*named, *nothing, "undefined", r.reason or r.status, r.status)
        null = (e.null.value, e.null.margin) if e.null else (None, None)
        figures = (e.value, e.low, e.high, e.level, e.method, e.unit, e.n, e.n_failed, *null)
        told = (e.direction, e.is_primary, e.verdict, e.reason or "", r.status)
        return (*named, e.metric, e.slice, *figures, *told)


def estimate_rows(results: Sequence[JobResult]) -> Iterator[EstimateRow]:
    """Every estimate in the order of the run; a job without estimates has one row."""
    for result in results:
        for estimate in result.estimates:
            yield EstimateRow(result, estimate)
        if not result.estimates:
            yield EstimateRow(result, None)


def csv_bytes(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> bytes:
    """A table as CSV in UTF-8; no cell is taken for a formula, no lone surrogate is kept."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue().encode()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet takes for a text, and a terminal too; what is None is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = written_out(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
