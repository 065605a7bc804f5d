"""Numbers at the end of a worked answer, as in GSM8K."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from evalsuite_text.metrics import Scores, without_references

# A sign belongs to the number it touches, unless it stands between two: "7-3" holds 7 and 3.
_NUMBER = re.compile(r"(?<![\w.)])(?:[-−]?\$?|\$[-−])\d[\d,]*(?:\.\d+)?|\d[\d,]*(?:\.\d+)?|\.\d+")
_AFTER_MARK = re.compile(r"####\s*(.*)")


def numeric(prediction: str, references: Sequence[str]) -> Scores:
    """Whether the answer's number equals the reference's, as decimals: ``1,000.0`` is ``1000``.

    ``exact_match`` takes the last number of the prediction, or the one after ``####`` where that
    mark stands; ``strict_match`` accepts only the one after the mark. ``has_number`` tells an
    answer without any number from a wrong one. Range {0, 1}; higher is better. Undefined without
    references, or where no reference holds a number.
    Reference: Cobbe et al. 2021, GSM8K.
    """
    names = ("exact_match", "strict_match", "has_number")
    wanted = {value for item in references if (value := final_number(item)) is not None}
    if not references:
        return without_references(*names)
    if not wanted:
        return {**dict.fromkeys(names, float("nan")), "reason": "no reference holds a number"}
    found, marked = final_number(prediction), marked_number(prediction)
    return {
        "exact_match": float(found in wanted),
        "strict_match": float(marked in wanted),
        "has_number": float(found is not None),
    }


def final_number(text: str) -> Decimal | None:
    """The number after the last ``####``, else the last number of a text; None without one."""
    marked = marked_number(text)
    return marked if marked is not None else _number(_NUMBER.findall(text)[-1:])


def marked_number(text: str) -> Decimal | None:
    """The first number on the line after the last ``####``; None without one."""
    lines = _AFTER_MARK.findall(text)
    return _number(_NUMBER.findall(lines[-1])[:1]) if lines else None


def _number(found: Sequence[str]) -> Decimal | None:
    if not found:
        return None
    return Decimal(re.sub(r"[$,]", "", found[0]).replace("−", "-"))
