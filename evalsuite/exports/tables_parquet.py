"""``parquet``: two typed tables, ``estimates.parquet`` and ``samples.parquet``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from evalsuite.documents import finite, storable
from evalsuite.estimate_rows import COLUMNS, estimate_rows
from evalsuite.exports.files import Export, ExportedFile
from evalsuite.store import Run

NUMBERS = frozenset({"value", "low", "high", "level", "null", "margin"})
COUNTS = frozenset({"n", "n_failed"})
TRUTHS = frozenset({"is_primary"})
SAMPLE_COLUMNS = (
    "run", "model", "probe", "label", "family", "sample", "content_hash", "status", "reason",
    "record", "exchange",
)  # fmt: skip
ROWS_AT_ONCE = 1000


def export(runs: Sequence[Run]) -> Export:
    """Estimates with typed columns, an undefined number null; samples with JSON in two of theirs.

    The columns of the estimates are those of ``csv``; ``record`` and ``exchange`` are JSON texts,
    as they lie in a run directory, and ``sensitive`` says what may hold secrets or offend.
    """
    return Export(
        (
            ExportedFile("estimates.parquet", _estimates(runs)),
            ExportedFile("samples.parquet", _samples(runs)),
        )
    )


class _Sink:
    """A file that keeps nothing: what is written to it is taken away at once."""

    closed = False

    def __init__(self) -> None:
        self._position = 0
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _written(schema: Any, batches: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    """The bytes of a Parquet file, one row group in memory at a time."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for rows in batches:
            writer.write_table(arrow.Table.from_pylist(rows, schema))
            yield sink.taken()
    yield sink.taken()


def _estimates(runs: Sequence[Run]) -> Iterator[bytes]:
    import pyarrow as arrow

    def kind(name: str) -> Any:
        if name in NUMBERS:
            return arrow.float64()
        if name in COUNTS:
            return arrow.int64()
        return arrow.bool_() if name in TRUTHS else arrow.string()

    names = ("run", *COLUMNS)
    schema = arrow.schema([(name, kind(name)) for name in names])
    rows = [
        {name: _stored(value) for name, value in zip(names, (run.name, *row.values()), strict=True)}
        for run in runs
        for row in estimate_rows(run.results)
    ]
    yield from _written(schema, iter([rows]))


def _stored(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return storable(value) if isinstance(value, str) else value


def _samples(runs: Sequence[Run]) -> Iterator[bytes]:
    import pyarrow as arrow

    fields = [(name, arrow.string()) for name in SAMPLE_COLUMNS]
    yield from _written(arrow.schema([*fields, ("sensitive", arrow.bool_())]), _batches(runs))


def _batches(runs: Sequence[Run]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for run in runs:
        for result in run.results:
            told = (run.name, result.model, result.probe, result.label, result.family)
            for row in run.samples(result.id):
                said = (row.id, row.content_hash, row.status, row.reason)
                texts = (*told, *said, _json(row.record), _json(row.exchange))
                named = zip(SAMPLE_COLUMNS, map(storable, texts), strict=True)
                rows.append({**dict(named), "sensitive": result.sensitive})
                if len(rows) == ROWS_AT_ONCE:
                    yield rows
                    rows = []
    if rows:
        yield rows


def _json(value: Any) -> str:
    return json.dumps(finite(value), ensure_ascii=False, allow_nan=False)
