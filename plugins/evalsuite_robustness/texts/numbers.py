"""Numbers written in another way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalsuite_robustness.texts.change import TextChange, like

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: int) -> str:
    """A number from 0 to 99 in English words."""
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


# "one" is as often a pronoun as a number, and stays.
_VALUES = {in_words(number): number for number in range(100) if number != 1}
_WORD = re.compile(rf"\b(?:{'|'.join(sorted(_VALUES, key=len, reverse=True))})\b(?!-)", re.I)
# A whole number that is no part of a decimal, a date, a decade, a word or a sum of money.
_WHOLE = re.compile(r"(?<![\w.,:/$€£%'’#-])\d+(?![\w%'’]|[.,:/-]\d|-[^\W\d_]| \d+/\d| and a )")
# After a name or a title a number is most often part of it (Speed 2, May 2004, Top 10).
_AFTER_NAME = re.compile(r"\b[A-Z][\w.]*\s$")
FORMS = ("words", "digits", "grouped", "decimal")


@dataclass(frozen=True)
class NumberFormat(TextChange):
    """Whole numbers in another form of the same value; years and numbers after a name stay.

    Args:
        form: ``words`` (12 as twelve, up to 99), ``digits`` (twelve as 12), ``grouped`` (1234 as
            1,234) or ``decimal`` (12 as 12.0).
    """

    form: str = "words"

    name: ClassVar[str] = "text/number-format"
    dial: ClassVar[str] = "form"
    sweep: ClassVar[tuple[str, ...]] = FORMS
    about: ClassVar[str] = "Whole numbers in words, digits, grouped by thousands, or as decimals."

    def __post_init__(self) -> None:
        """Refuse a form that there is not."""
        if self.form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)} (got {self.form!r})")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Every number of the text that has the form."""
        if self.form == "digits":
            return _WORD.sub(lambda found: str(_VALUES[found[0].lower()]), text)
        return _WHOLE.sub(lambda found: self._written(found, text), text)

    def _written(self, found: re.Match[str], text: str) -> str:
        digits = found[0]
        if len(digits) > 1 and digits[0] == "0":  # a code rather than a number
            return digits
        if _AFTER_NAME.search(text, 0, found.start()) or (
            self.form != "words" and _is_year(digits)
        ):
            return digits
        if self.form == "words":
            is_first = not text[: found.start()].strip()
            word = in_words(int(digits)) if len(digits) < 3 else digits
            return like(word, "A" if is_first else "a")
        return f"{int(digits):,}" if self.form == "grouped" else f"{digits}.0"


def _is_year(digits: str) -> bool:
    """Four digits of the last centuries are a year as a rule, and those have one form only."""
    return len(digits) == 4 and 1500 <= int(digits) < 2100
