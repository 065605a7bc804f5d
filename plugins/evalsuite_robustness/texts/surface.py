"""Letter case, spaces and marks: what a reader hardly sees."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalsuite_robustness.texts.change import TextChange, refuse_unless_share


@dataclass(frozen=True)
class UpperCase(TextChange):
    """Everything in capitals."""

    name: ClassVar[str] = "text/upper-case"
    about: ClassVar[str] = "Capital letters only, in the fields named by `fields`."

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Capitals."""
        return text.upper()


@dataclass(frozen=True)
class LowerCase(TextChange):
    """No capitals at all."""

    name: ClassVar[str] = "text/lower-case"
    about: ClassVar[str] = "Small letters only, in the fields named by `fields`."

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Small letters."""
        return text.lower()


@dataclass(frozen=True)
class _AtRate(TextChange):
    """Base: each letter or space of some kind is changed with a probability.

    Args:
        rate: Share of those that are changed.
    """

    rate: float = 0.3

    dial: ClassVar[str] = "rate"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.3, 1.0)

    def __post_init__(self) -> None:
        """Refuse a rate that is no share."""
        refuse_unless_share("rate", self.rate)

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Change some of the letters."""
        return "".join(
            self.letter(letter)
            if self.letter(letter) != letter and rng.random() < self.rate
            else letter
            for letter in text
        )

    def letter(self, letter: str) -> str:
        """What a letter becomes; itself where it is none of the kind."""
        raise TypeError(f"{type(self).__name__} does not implement letter()")


@dataclass(frozen=True)
class MixedCase(_AtRate):
    """Letters in the other case at random places.

    Args:
        rate: Share of letters that are.
    """

    name: ClassVar[str] = "text/mixed-case"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.3, 0.5)
    about: ClassVar[str] = "Letters in the other case here and there."

    def letter(self, letter: str) -> str:
        """The other case."""
        return letter.swapcase()


@dataclass(frozen=True)
class ExtraSpaces(_AtRate):
    """Spaces doubled at random places.

    Args:
        rate: Share of spaces that are doubled.
    """

    name: ClassVar[str] = "text/extra-spaces"
    about: ClassVar[str] = "Doubled spaces in the fields named by `fields`."

    def letter(self, letter: str) -> str:
        """Two spaces for one."""
        return "  " if letter == " " else letter


# Tags of markup, and marks that make another number of one (3.5 is not 35, nor is -2 equal to 2).
_KEPT = re.compile(r"<[^<>]*>|(?<=\d)[^\w\s](?=\d)|(?<!\w)[-−](?=\d)")
_READ_AS_WORDS = "%&@#"
_APOSTROPHES = "'’"


@dataclass(frozen=True)
class MissingMarks(TextChange):
    """Punctuation left out at random places.

    Where nothing else stands between two words a space is put; an apostrophe leaves none. What is
    part of a number or of a tag of markup stays, and so do marks that are read as words (% & @ #).

    Args:
        rate: Share of marks that are left out.
    """

    rate: float = 1.0

    name: ClassVar[str] = "text/missing-punctuation"
    dial: ClassVar[str] = "rate"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.3, 1.0)
    about: ClassVar[str] = "Marks left out, apostrophes too, but none of a number or a tag."

    def __post_init__(self) -> None:
        """Refuse a rate that is no share."""
        refuse_unless_share("rate", self.rate)

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Without some of the marks, and with words as apart as they were."""
        kept = {place for found in _KEPT.finditer(text) for place in range(*found.span())}
        gone = [
            place not in kept and _is_mark(letter) and rng.random() < self.rate
            for place, letter in enumerate(text)
        ]
        left = [
            ("" if letter in _APOSTROPHES else "\0") if is_gone else letter
            for letter, is_gone in zip(text, gone, strict=True)
        ]
        return re.sub(r"(?<=\w)\0+(?=\w)", " ", "".join(left)).replace("\0", "")


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter).startswith("P") and letter not in _READ_AS_WORDS
