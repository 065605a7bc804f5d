"""A reference against a transcript with the errors marked, as the sample explorer shows it.

The column ``word_alignment`` of a record is the JSON of evalsuite.transcripts: ["=", words],
["S", reference, transcript], ["D", reference, ""], ["I", "", transcript].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLUMN = "word_alignment"
# What one alignment may take of the page; the run directory has all of it.
MAX_CHARACTERS = 1500
# Stands at the end of one that was cut.
CUT = "…"
_KINDS = frozenset("=SDI") | {CUT}


@dataclass(frozen=True)
class MarkedWords:
    """Words that are the same (``=``), wrong (``S``), missing (``D``), too many (``I``), or cut."""

    kind: str
    reference: str
    transcript: str = ""


def marked_words(record: Mapping[str, Any]) -> tuple[MarkedWords, ...]:
    """The alignment of a record; empty where it has none, or one of another form."""
    try:
        found = [MarkedWords(*map(str, row)) for row in json.loads(record[COLUMN])]
    except (KeyError, TypeError, ValueError):
        return ()
    return tuple(found) if all(words.kind in _KINDS for words in found) else ()


def has_errors(record: Mapping[str, Any]) -> bool:
    """Whether some word is wrong, missing or too many."""
    return any(words.kind in "SDI" for words in marked_words(record))


def shortened(record: Mapping[str, Any]) -> str | None:
    """The column with as many steps as fit the page; None for one of another form."""
    found = marked_words(record)
    if not found:
        return None
    kept, length = [], 0
    for words in found:
        row = [words.kind, words.reference, *([] if words.kind == "=" else [words.transcript])]
        length += sum(map(len, row))
        if length > MAX_CHARACTERS:
            room = max(0, MAX_CHARACTERS - length + sum(map(len, row))) // max(1, len(row) - 1)
            kept += [[row[0], *(text[:room] for text in row[1:])], [CUT, ""]]
            break
        kept.append(row)
    return json.dumps(kept, ensure_ascii=False)
