"""Text that others wrote, made safe to print: models, data, plugins may hold anything."""

from __future__ import annotations

import re

# Control characters but tab and line feed, among them those that begin a terminal's commands; a
# carriage return that would let a line overwrite itself; those that turn the direction of the text
# after them; and halves of surrogate pairs, which no file or terminal may get. Letters of
# right-to-left scripts need none of these and stay as they are.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|\r(?!\n)"
)


# What a reader bears of a reason; the run directory has all of it.
MAX_REASON = 2000


def written_out(text: str) -> str:
    """The text with its control and direction characters as words, e.g. ``⟨U+202E⟩``.

    Printed anywhere, it moves no cursor, changes no colour, makes no link, and neither hides nor
    reorders the words around it.
    """
    return _UNSEEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text)


def json_written_out(document: str) -> str:
    """A JSON document with the same characters as JSON's own escapes: it reads back the same."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def beginning(text: str, most: int) -> str:
    """A text of bearable length, which says how much of it is not here."""
    cut = len(text) - most
    return text if cut <= 0 else f"{text[:most]} … ({cut:,} more characters)"
