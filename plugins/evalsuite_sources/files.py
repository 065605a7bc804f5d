"""What every file source needs: existence, fingerprints, and media by column."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evalsuite import Audio, DataError, Image


def require_file(path: Path) -> Path:
    """The path; raises DataError when there is no such file."""
    if path.is_dir():
        raise DataError(f"{path} is a folder; this source reads one file.")
    if not path.is_file():
        raise DataError(f"Data file {path} does not exist.{_nearby(path)}")
    return path


def require_folder(path: Path) -> Path:
    """The path; raises DataError when there is no such folder."""
    if not path.is_dir():
        raise DataError(f"Data folder {path} does not exist.{_nearby(path)}")
    return path


def _nearby(path: Path) -> str:
    """What does exist: the first missing part of the path, and what is beside it."""
    existing = next((p for p in path.parents if p.is_dir()), None)
    if existing is None:
        return ""
    names = sorted(entry.name for entry in existing.iterdir())[:8]
    return f" {existing} exists and holds: {', '.join(names) or 'nothing'}."


def fingerprint_of(paths: Iterable[Path]) -> str:
    """Sha256 over the names and bytes of files, in order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def read_json(path: Path) -> Any:
    """A whole JSON file; raises DataError with line and column when it is not one."""
    try:
        return json.loads(require_file(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"Data file {path} is not UTF-8: {error}.") from error
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise DataError(f"{path}:{line}:{column}: not JSON: {error}") from error


def with_media(
    row: Mapping[str, Any],
    image: str | tuple[str, ...] | None,
    audio: str | tuple[str, ...] | None,
    folder: Path,
) -> tuple[dict[str, Any], str | None]:
    """Replace media columns by Image and Audio parts; returns the row and what is broken.

    The only image column becomes ``image`` too, the only audio column ``audio``; of several each
    keeps its own name. A column holds a path relative to ``folder``, raw bytes, or a mapping with
    ``bytes`` or ``path`` as Hugging Face datasets write it.
    """
    fields, broken = dict(row), None
    columns: dict[type[Image] | type[Audio], tuple[str, ...]] = {
        Image: columns_of(image),
        Audio: columns_of(audio),
    }
    media = [(column, kind) for kind, names in columns.items() for column in names]
    for column, kind in media:
        if fields.get(column) is None:
            return fields, f"the column {column!r} is empty"
        part = as_media(fields[column], kind, folder)
        if part.path is not None and not part.path.is_file():
            broken = f"{part.path} does not exist"
        fields[column] = part
        if len(columns[kind]) == 1:
            fields["audio" if kind is Audio else "image"] = part
    return fields, broken


def columns_of(option: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The columns that an option names: none (also by an empty text), one, or several."""
    return (option,) if isinstance(option, str) and option else tuple(option or ())


def as_media(value: Any, kind: type[Image] | type[Audio], folder: Path) -> Image | Audio:
    """An Image or Audio part from a path, bytes, a mapping of these, or decoded samples.

    Decoded samples are a mapping with ``array`` ([samples], or [channels, samples], of which the
    mean is taken) and ``sampling_rate``, as older datasets carry them.
    """
    if isinstance(value, Mapping):
        if kind is Audio and not value.get("bytes") and value.get("array") is not None:
            samples = np.atleast_2d(np.asarray(value["array"], np.float32))
            return Audio.from_array(samples.mean(axis=0), int(value["sampling_rate"]))
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return kind(data=value)
    return kind(path=folder / str(value))
