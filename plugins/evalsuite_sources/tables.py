"""CSV, JSON Lines and Parquet, read row by row."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import DataError, Sample
from evalsuite_sources.files import columns_of, fingerprint_of, require_file, with_media


@dataclass(frozen=True)
class _Table:
    """What all tables have.

    Attributes:
        path: The file.
        id: Column that identifies a row; the row number without it.
        image: Column with image files (relative to ``media_path``) or bytes, or several columns.
        audio: Column with audio files or bytes, or several columns.
        media_path: Folder of the media; the file's own folder without it.
        where: Rows to keep: column -> value or list of values, compared as text.
    """

    path: str
    id: str | None = None
    image: str | tuple[str, ...] | None = None
    audio: str | tuple[str, ...] | None = None
    media_path: str | None = None
    where: dict[str, Any] | None = None

    def rows(self) -> Iterator[Sample]:
        """The rows in file order; a row whose media file is missing is a broken sample."""
        folder = Path(self.media_path) if self.media_path else Path(self.path).parent
        for number, row in enumerate(self._records()):
            if not self._is_kept(row):
                continue
            sample_id = str(row[self.id]) if self.id else str(number)
            fields, broken = with_media(row, self.image, self.audio, folder)
            yield Sample(sample_id, {} if broken else fields, broken=broken)

    def check(self) -> None:
        """Refuse a missing file, a file without rows, and columns that are not there."""
        require_file(Path(self.path))
        first = next(self._records(), None)
        if first is None:
            raise DataError(f"Data file {self.path} has no rows.")
        media = (*columns_of(self.image), *columns_of(self.audio))
        for column in filter(None, (self.id, *media, *(self.where or {}))):
            if column not in first:
                raise DataError(
                    f"Data file {self.path} has no column {column!r}; its columns are: "
                    f"{', '.join(map(repr, first))}."
                )

    def count(self) -> int | None:
        """The number of rows that are kept."""
        return sum(self._is_kept(row) for row in self._records())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])

    def _is_kept(self, row: dict[str, Any]) -> bool:
        for column, wanted in (self.where or {}).items():
            values = wanted if isinstance(wanted, list) else [wanted]
            if str(row.get(column)) not in {str(value) for value in values}:
                return False
        return True

    def _records(self) -> Iterator[dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} reads no records")


@dataclass(frozen=True)
class Csv(_Table):
    """Rows of a CSV or TSV file with a header; every value is text.

    Attributes:
        delimiter: Between values; a tab for ``.tsv`` files unless given.
        encoding: Of the file.
    """

    delimiter: str | None = None
    encoding: str = "utf-8-sig"

    def _records(self) -> Iterator[dict[str, Any]]:
        path = require_file(Path(self.path))
        delimiter = self.delimiter or ("\t" if path.suffix == ".tsv" else ",")
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        with path.open(encoding=self.encoding, newline="") as stream:
            reader = csv.DictReader(stream, delimiter=delimiter)
            try:
                for row in reader:
                    if None in row or None in row.values():
                        raise DataError(
                            f"{path}:{reader.line_num}: the row has another number of values than "
                            f"the header, which has {len(reader.fieldnames or ())}."
                        )
                    yield row
            except (csv.Error, UnicodeDecodeError) as error:
                raise DataError(
                    f"{path}:{reader.line_num}: not readable as CSV: {error}"
                ) from error


@dataclass(frozen=True)
class JsonLines(_Table):
    """One JSON object a line."""

    def _records(self) -> Iterator[dict[str, Any]]:
        path = require_file(Path(self.path))
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    column = getattr(error, "colno", 1)
                    raise DataError(f"{path}:{number}:{column}: not JSON: {error}") from error
                if not isinstance(row, dict):
                    raise DataError(f"{path}:{number}: a line must be a JSON object.")
                yield row


@dataclass(frozen=True)
class Parquet(_Table):
    """Rows of a Parquet file; binary columns can hold images and audio."""

    def _records(self) -> Iterator[dict[str, Any]]:
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        path = require_file(Path(self.path))
        try:
            with parquet.ParquetFile(path) as stored:
                for batch in stored.iter_batches(batch_size=256):
                    yield from batch.to_pylist()
        except arrow.ArrowInvalid as error:
            raise DataError(f"{path} is not a Parquet file: {error}") from error
