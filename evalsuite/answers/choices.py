"""What a written answer settles on: an option of a list, or yes or no. Strict: else None.

Nothing is guessed: an answer that weighs several options, adds an explanation or says something
else is not parsed, which callers count and score as wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREAMBLE = re.compile(
    r"\s*(?:the\s+)?(?:(?:correct|right|best)\s+)?(?:answer|option|choice)\s*(?:is|:)\s*:?\s*",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\s*[(\[]?([A-Z])(?:[)\].:]+|(?=\s*$))\s*(.*)", re.DOTALL)
_ENDS = " \t\r\n.!\"'*`"


def chosen_option(text: str, options: Sequence[str]) -> int | None:
    """The index of the option that a text names by its letter, its words, or both.

    Accepted, after an optional "the answer is": a capital letter of the list alone, in brackets
    or with a mark behind it ("B", "(B)", "B."); the option's words; the letter and then the same
    option's words ("B. red"). Not accepted: two readings that disagree, words of two options that
    are equal, and anything more.
    """
    body = _PREAMBLE.sub("", text.strip(_ENDS), count=1) if _PREAMBLE.match(text) else text
    body = body.strip(_ENDS)
    readings = {_by_letter(body, options), _by_words(body, options)} - {None}
    return readings.pop() if len(readings) == 1 else None


def _by_letter(body: str, options: Sequence[str]) -> int | None:
    match = _LETTER.fullmatch(body)
    if match is None:
        return None
    index = LETTERS.index(match[1])
    if index >= len(options):
        return None
    return index if not match[2] or _plain(match[2]) == _plain(options[index]) else None


def _by_words(body: str, options: Sequence[str]) -> int | None:
    equal = [i for i, option in enumerate(options) if _plain(option) == _plain(body)]
    return equal[0] if len(equal) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(_ENDS)


def yes_or_no(text: str, words: tuple[str, str] = ("yes", "no")) -> bool | None:
    """Whether a text begins with the word for yes; None when with neither word.

    "Yes, there is a dog." is yes; "There is no dog." and "Not sure" are neither.
    """
    first = re.match(r"[\s\"'*`(]*([^\W_]+)", text)
    if first is None:
        return None
    said = first[1].casefold()
    if said not in words:
        return None
    return said == words[0]
