"""Manifests: a line for each utterance, of whole files or of stretches of long ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import Audio, DataError, Sample
from evalsuite.derived import Excerpt
from evalsuite_sources.files import fingerprint_of, require_file
from evalsuite_sources.tables import Csv, JsonLines


@dataclass(frozen=True)
class AudioManifest:
    """JSON Lines (or CSV, by its suffix) as NeMo and the Open ASR Leaderboard write them.

    ``{"audio_filepath": "a.wav", "duration": 3.2, "text": "..."}``, and with an ``offset`` in
    seconds only that stretch of the file, which is then decoded alone. Without an offset the whole
    file is meant, and its ``duration`` is only told. Fields: audio, text, and every other column
    as it is, e.g. groups.

    Attributes:
        path: The manifest; other suffixes than .csv and .tsv are JSON Lines.
        audio: Column of the files, relative to ``media_path``.
        text: Column of the transcript.
        id: Column that identifies an utterance; the line's number without it.
        media_path: Folder of the files; the manifest's own folder without it.
        where: Lines to keep: column -> value or list of values, compared as text.
    """

    path: str
    audio: str = "audio_filepath"
    text: str = "text"
    id: str | None = None
    media_path: str | None = None
    where: dict[str, Any] | None = None

    def rows(self) -> Iterator[Sample]:
        """The utterances in file order; one whose file is missing is a broken sample."""
        folder = Path(self.media_path) if self.media_path else Path(self.path).parent
        files: dict[str, Audio] = {}  # one with many stretches is hashed once
        for number, row in enumerate(self._table().rows()):
            name = str(row[self.audio])
            clip = files.setdefault(name, Audio(path=folder / name))
            sample_id = str(row[self.id]) if self.id else str(number)
            assert clip.path is not None
            if not clip.path.is_file():
                yield Sample(sample_id, broken=f"{clip.path} does not exist")
                continue
            known = {key: value for key, value in row.fields.items() if key != self.audio}
            text = {"text": row[self.text]} if self.text in row.fields else {}
            yield Sample(
                sample_id, {**known, **text, "audio": self._part(clip, row.fields, number)}
            )

    def check(self) -> None:
        """Refuse a missing file, one without lines, and columns that are not there."""
        self._table().check()
        first = next(self._table().rows())
        for column in filter(None, (self.audio, self.id)):
            if column not in first.fields:
                known = ", ".join(map(repr, first.fields))
                raise DataError(
                    f"Data file {self.path} has no column {column!r}; its columns are: {known}."
                )
        next(self.rows())

    def count(self) -> int | None:
        """The number of utterances that are kept."""
        return self._table().count()

    def fingerprint(self) -> str:
        """Sha256 of the manifest; clips are identified sample by sample."""
        return fingerprint_of([require_file(Path(self.path))])

    def _table(self) -> Csv | JsonLines:
        is_csv = Path(self.path).suffix in (".csv", ".tsv")
        return (Csv if is_csv else JsonLines)(self.path, where=self.where)

    def _part(self, clip: Audio, row: Mapping[str, Any], number: int) -> Audio:
        """The whole clip, or the stretch that the line tells."""
        if row.get("offset") in (None, ""):
            return clip
        try:
            offset, duration = float(row["offset"]), float(row.get("duration") or "nan")
        except (TypeError, ValueError):
            offset = duration = math.nan
        if not (offset >= 0 and 0 < duration < math.inf):
            raise DataError(
                f"{self.path}: utterance {number + 1}: a stretch needs an offset from 0 up and a "
                f"duration above 0, in seconds (got {row['offset']!r} and {row.get('duration')!r})."
            )
        return Excerpt(original=clip, start_s=offset, duration_s=duration)
