"""What sources of sounds share: clips in folders, told apart by tables or by their names."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalsuite import Audio, DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file


@dataclass(frozen=True)
class Clip:
    """One clip, what is known of it, and why it cannot be used, if so."""

    id: str
    path: Path
    fields: Mapping[str, Any] = field(default_factory=dict)
    broken: str | None = None


class AnnotatedClips:
    """Base of such sources; a subclass says which clips there are and which files tell so."""

    def rows(self) -> Iterator[Sample]:
        """Every clip in order; one whose file is missing is a broken sample.

        What a data set leaves empty, such as an age that a speaker did not tell, is None.
        """
        for clip in self._clips():
            missing = None if clip.path.is_file() else f"{clip.path} does not exist"
            if clip.broken or missing:
                yield Sample(clip.id, broken=clip.broken or missing)
                continue
            known = {name: None if value == "" else value for name, value in clip.fields.items()}
            yield Sample(clip.id, {"audio": Audio(path=clip.path), **known})

    def check(self) -> None:
        """Refuse missing files and folders, another format, and a data set without clips."""
        if next(self._clips(), None) is None:
            raise DataError(f"{self._place()} holds no clip.")

    def count(self) -> int | None:
        """The number of clips; reads all that is told of them, so mistakes show before a run."""
        return sum(1 for _ in self._clips())

    def fingerprint(self) -> str:
        """Sha256 of the files that tell; the clips are identified sample by sample."""
        return fingerprint_of(self._files())

    def _clips(self) -> Iterator[Clip]:
        """Every clip, in a stable order."""
        raise TypeError(f"{type(self).__name__} reads no clips")

    def _files(self) -> Sequence[Path]:
        """The files that say what the clips are."""
        raise TypeError(f"{type(self).__name__} reads no files")

    def _place(self) -> str:
        """What was read, for messages."""
        return f"Data file {self._files()[0]}"


@dataclass(frozen=True)
class Line:
    """A line of a table: where it stands, and its values by column."""

    place: str
    values: Mapping[str, str]


def table(
    path: Path, needed: Sequence[str], columns: Sequence[str] = (), delimiter: str = ","
) -> Iterator[Line]:
    """The lines of a CSV with quoted values, or of a table between whose values are tabs.

    Tables with tabs know no quotes: a mark in a sentence is a mark. ``columns`` names those of a
    file without a header. Raises DataError with file and line for what does not fit.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    with require_file(path).open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter, quoting=quoting)
        try:
            header = list(columns) or next(reader, [])
            for name in needed:
                if name not in header:
                    known = ", ".join(map(repr, header)) or "none"
                    raise DataError(f"{path}:1: no column {name!r}; its columns are: {known}.")
            for values in reader:
                if len(values) == len(header):
                    place = f"{path}:{reader.line_num}"
                    yield Line(place, dict(zip(header, values, strict=True)))
                elif values:
                    raise DataError(
                        f"{path}:{reader.line_num}: {len(values)} values for the {len(header)} "
                        f"columns {', '.join(header)}."
                    )
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"{path}:{reader.line_num}: not readable: {error}.") from error


def number(line: Line, column: str) -> int:
    """A whole number of a line; raises DataError with its place when it is none."""
    try:
        return int(line.values[column])
    except ValueError as error:
        raise DataError(
            f"{line.place}: {column} must be a whole number (got {line.values[column]!r})."
        ) from error
