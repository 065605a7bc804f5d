"""JSON documents and whole-file writes: all or nothing, and no NaN."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from evalsuite.errors import StoreError


def finite(value: Any) -> Any:
    """Replace NaN and infinities by None, all the way down: JSON has no word for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        return finite(value.item())
    return value


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or nothing; raises StoreError when the disk is full or read-only."""
    write_in_parts(
        path,
        [data],
        advice="What was computed so far is safe in the run directory; free some space or permit "
        "writing, then resume.",
    )


def write_in_parts(
    path: Path,
    parts: Iterable[bytes],
    advice: str = "Free some space, permit writing, or choose another place.",
) -> None:
    """Write a whole file or nothing, holding one part in memory at a time.

    Raises:
        StoreError: The disk is full or read-only; whatever ``parts`` raises passes through.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            for part in parts:
                stream.write(part)
        temporary.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror or error}. {advice}"
        ) from error
    finally:
        with suppress(OSError):  # where the folder is no folder there is nothing to remove
            temporary.unlink()


def storable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate, as a model may write one, becomes its escape.

    Inside a JSON string the escape reads back as the surrogate that it stands for.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_json(path: Path, document: Any) -> None:
    """Write a JSON document with stable key order and no NaN."""
    text = json.dumps(finite(document), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (storable(text) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON document of a run; raises StoreError when it is absent or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(
            f"{path.parent} is not a run directory: it has no {path.name}. A run directory is "
            "what `evalsuite run` prints last."
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
