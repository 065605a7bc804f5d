"""Lists of texts as one scalar of a record, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence


def written(texts: Sequence[str]) -> str:
    """A list of texts as JSON."""
    return json.dumps(list(texts), ensure_ascii=False)


def listed(cell: str) -> list[str]:
    """The list that ``written`` wrote."""
    return [str(text) for text in json.loads(cell)]
