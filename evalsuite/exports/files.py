"""What an exporter makes: files, and what it had to leave out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from evalsuite.documents import write_in_parts
from evalsuite.errors import UsageError
from evalsuite.store import Run


@dataclass(frozen=True)
class ExportedFile:
    """One file: its path within the output folder, and its bytes in parts, made when written."""

    name: str
    parts: Iterable[bytes]


@dataclass(frozen=True)
class Export:
    """All files of one format.

    Attributes:
        files: What to write. One file whose name has no folder may go to standard output.
        notes: What the format has no place for, one sentence each.
    """

    files: tuple[ExportedFile, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_one_file(self) -> bool:
        """Whether it can be written to a file of the user's naming."""
        return len(self.files) == 1 and "/" not in self.files[0].name


Exporter: TypeAlias = Callable[[Sequence[Run]], Export]


def write(export: Export, output: Path) -> list[Path]:
    """Write every file, each whole or not at all; returns their paths.

    Args:
        export: What an exporter made.
        output: For one file its path, or a folder that exists; for several a folder.

    Raises:
        UsageError: Several files, and ``output`` is a file.
        StoreError: The disk is full or read-only.
    """
    if export.is_one_file and not output.is_dir():
        write_in_parts(output, export.files[0].parts)
        return [output]
    if output.exists() and not output.is_dir():
        raise UsageError(
            f"{output} is a file, and this format is {len(export.files)} files or a folder of "
            "them. Name a folder with `-o DIR`."
        )
    paths = []
    for file in export.files:
        write_in_parts(output / file.name, file.parts)
        paths.append(output / file.name)
    return paths


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# Names that Windows does not take for files.
_RESERVED = re.compile(r"(con|prn|aux|nul|data|com\d|lpt\d)(\.|$)", re.I)


def file_name(text: str) -> str:
    """A text as one part of a path that every file system takes; never empty, never ``..``."""
    name = _UNSAFE.sub("-", text).strip("-.")[:100] or "unnamed"
    return f"_{name}" if _RESERVED.match(name) else name


def file_names(texts: Iterable[str]) -> dict[str, str]:
    """The ``file_name`` of each text; those that would share one are numbered."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for text in dict.fromkeys(texts):
        name, number = file_name(text), 1
        while name.lower() in taken:  # some file systems tell no case
            number += 1
            name = f"{file_name(text)}-{number}"
        taken.add(name.lower())
        names[text] = name
    return names
