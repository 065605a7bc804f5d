"""Folders of images or clips: one subfolder per class, or files beside a text of the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evalsuite import Audio, DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, require_folder


@dataclass(frozen=True)
class _Folder:
    r"""What both folders have.

    Attributes:
        path: The folder.
        pattern: Regular expression on the file name; its named groups become fields, and files
            that it does not match are left out (e.g. ``(?P<label>\\d)_(?P<speaker>\\w+)_\\d+``).
            CREMA-D's emotions: ``(?P<speaker>\\d+)_(?P<sentence>\\w+)_(?P<label>[A-Z]+)_\\w+``;
            RAVDESS's: ``(\\d\\d-){2}(?P<label>\\d\\d)-(\\d\\d-){3}(?P<speaker>\\d\\d)``.
        values: What the codes in a file's name mean, by field: ``{label: {ANG: angry}}``; a code
            that is not listed is kept.
        strip_number: Whether a leading number of a class folder's name is not part of the class
            (``"001 - Dog bark"`` is ``"Dog bark"``).
    """

    path: str
    pattern: str | None = None
    strip_number: bool = True
    values: dict[str, dict[str, str]] | None = None

    suffixes: ClassVar[frozenset[str]] = frozenset()
    kind: ClassVar[type[Image] | type[Audio]]
    field: ClassVar[str] = ""

    def rows(self) -> Iterator[Sample]:
        """Every media file, sorted by its path; the id is the path within the folder."""
        root = Path(self.path)
        for path in self._files():
            fields: dict[str, object] = {self.field: self.kind(path=path)}
            if path.parent != root:
                fields["label"] = self._class_name(path.parent.name)
            text = path.with_suffix(".txt")
            if text.is_file():
                fields["text"] = text.read_text(encoding="utf-8").strip()
            if self.pattern:
                match = re.search(self.pattern, path.stem)
                fields |= self._told(match.groupdict()) if match else {}
            yield Sample(str(path.relative_to(root)), fields)

    def check(self) -> None:
        """Refuse a missing folder and one without media files."""
        root = require_folder(Path(self.path))
        if self.pattern:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise DataError(
                    f"pattern {self.pattern!r} is not a regular expression: {error}"
                ) from error
        if not self._files():
            raise DataError(
                f"Data folder {root} holds no {self.field} file (looked for "
                f"{', '.join(sorted(self.suffixes))}"
                + (f", names matching {self.pattern!r})." if self.pattern else ").")
            )

    def count(self) -> int | None:
        """The number of files."""
        return len(self._files())

    def fingerprint(self) -> str:
        """Sha256 over all files."""
        return fingerprint_of(self._files())

    def _files(self) -> list[Path]:
        return sorted(
            path
            for path in Path(self.path).rglob("*")
            if path.suffix.lower() in self.suffixes
            and path.is_file()
            and (self.pattern is None or re.search(self.pattern, path.stem))
        )

    def _told(self, codes: dict[str, str]) -> dict[str, str]:
        """The named groups of a file's name, codes replaced by what they mean."""
        meanings = self.values or {}
        return {name: meanings.get(name, {}).get(code, code) for name, code in codes.items()}

    def _class_name(self, folder: str) -> str:
        return re.sub(r"^\d+\s*[-_.]\s*", "", folder) if self.strip_number else folder


@dataclass(frozen=True)
class ImageFolder(_Folder):
    """Images; the subfolder is the ``label``, a ``.txt`` of the same name the ``text``."""

    suffixes: ClassVar[frozenset[str]] = frozenset(
        {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
    )
    kind: ClassVar[type[Image]] = Image
    field: ClassVar[str] = "image"


@dataclass(frozen=True)
class AudioFolder(_Folder):
    """Clips; the subfolder is the ``label``, a ``.txt`` of the same name the ``text``."""

    suffixes: ClassVar[frozenset[str]] = frozenset(
        {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"}
    )
    kind: ClassVar[type[Audio]] = Audio
    field: ClassVar[str] = "audio"
