"""From what a model wrote to the answer in it: named filters, one after another.

A filter maps a text to a text, or to None where it finds nothing: that is a parse failure, which
is counted and scored as wrong. In a suite a filter is its name, or a mapping of ``filter`` and its
options:

    filters: [remove-thinking, {filter: regex, pattern: "answer is (.*)", which: last}, number]
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

Filter: TypeAlias = Callable[[str], str | None]
Spec: TypeAlias = str | Mapping[str, Any]

_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?|-?\.\d+")


def strip(text: str) -> str:
    """Without white space at both ends."""
    return text.strip()


def lower(text: str) -> str:
    """Case folded."""
    return text.casefold()


def first_line(text: str) -> str:
    """The first line that is not blank; an empty text where all are."""
    return next((line for line in text.splitlines() if line.strip()), "")


def until(text: str, marks: Sequence[str] = ("\n\n",)) -> str:
    """What stands before the first of some marks."""
    places = [text.find(mark) for mark in marks if mark in text]
    return text[: min(places)] if places else text


def regex(text: str, pattern: str, group: int = 1, which: str = "first") -> str | None:
    """A group of the first or last match of a pattern; None without a match."""
    matches = list(re.finditer(pattern, text, re.DOTALL))
    if not matches:
        return None
    match = matches[0 if which == "first" else -1]
    return match[group if match.re.groups >= group else 0]


def number(text: str, which: str = "last") -> str | None:
    """The last (or first) number, without signs of currency, grouping commas or trailing zeros."""
    found = _NUMBER.findall(text)
    if not found:
        return None
    digits = found[0 if which == "first" else -1].replace(",", "").replace("$", "")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def letter(text: str, letters: str = "ABCDE") -> str | None:
    """The letter of an option that a text settles on.

    What follows "answer is", else a letter in brackets or boxed, else the first letter that stands
    alone; the last "answer is" counts, since a text may change its mind.
    """
    among = f"[{re.escape(letters)}]"
    for pattern, last in (
        (rf"(?i:answer)\s*(?:is|:)\s*\(?\**({among})\b", True),
        (rf"\\boxed\{{\s*({among})\s*\}}|[(\[]({among})[)\]]", True),
        (rf"(?<![\w'])({among})(?![\w'])", False),
    ):
        found = [next(filter(None, m.groups())) for m in re.finditer(pattern, text)]
        if found:
            return found[-1 if last else 0]
    return None


def remove_thinking(text: str, end: str = "</think>") -> str | None:
    """What follows the thoughts; None where the thoughts were begun and never ended."""
    if end in text:
        return text.rpartition(end)[2]
    begin = end.replace("/", "")
    return None if begin in text else text


FILTERS: dict[str, Callable[..., str | None]] = {
    "strip": strip,
    "lower": lower,
    "first-line": first_line,
    "until": until,
    "regex": regex,
    "number": number,
    "letter": letter,
    "remove-thinking": remove_thinking,
}


def build(specs: Sequence[Spec]) -> list[Filter]:
    """The filters of some specifications; raises ValueError that names what is legal."""
    return [_built(spec) for spec in specs]


def _built(spec: Spec) -> Filter:
    options = {} if isinstance(spec, str) else dict(spec)
    name = spec if isinstance(spec, str) else str(options.pop("filter", ""))
    if name not in FILTERS:
        raise ValueError(f"there is no filter {name!r}; there are {', '.join(FILTERS)}")
    legal = list(inspect.signature(FILTERS[name]).parameters)[1:]
    for option in options:
        if option not in legal:
            shown = ", ".join(legal) or "none"
            raise ValueError(f"the filter {name!r} has no option {option!r}; it has: {shown}")
    if name == "regex":
        try:
            re.compile(str(options.get("pattern", "")))
        except re.error as error:
            raise ValueError(f"the pattern {options['pattern']!r} is no regex: {error}") from error
        if "pattern" not in options:
            raise ValueError("the filter 'regex' needs a pattern")
    return partial(FILTERS[name], **options)


def apply(filters: Sequence[Filter], text: str) -> str | None:
    """All filters one after another; None as soon as one finds nothing."""
    found: str | None = text
    for each in filters:
        if found is None:
            return None
        found = each(found)
    return found
