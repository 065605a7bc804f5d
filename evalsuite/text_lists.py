"""Lists of texts as one scalar of a record, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evalsuite.errors import DataError


def written(items: Sequence[Any]) -> str:
    """A list of texts as one scalar of a record; what ``listed`` reads."""
    return json.dumps([str(item) for item in items], ensure_ascii=False)


def listed(value: Any, column: str) -> list[str]:
    """The list of texts in a cell that holds a JSON list.

    Raises:
        DataError: It holds anything else.
    """
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise DataError(
            f"Column {column!r} must hold lists of texts written as JSON, "
            f'e.g. ["one", "two"] (got {value!r}).'
        )
    return found
