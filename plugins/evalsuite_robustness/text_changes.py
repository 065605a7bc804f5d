"""Text made harder: slips of the keyboard, letter case, spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Sample
from evalsuite.derived import rng_of
from evalsuite.variant import Variant


@dataclass(frozen=True)
class TextChange(Variant):
    """Base: changes the named fields, each text with random numbers of its own.

    Args:
        fields: The fields with the questions; answers and choices should stay as they are.
    """

    fields: tuple[str, ...] = ("question", "text", "prompt", "sentence")

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The fields with their texts changed."""
        return {
            name: self.text(value, rng_of(self.name, vars(self), seed, value))
            if name in self.fields and isinstance(value, str)
            else value
            for name, value in sample.fields.items()
        }

    def text(self, text: str, rng: np.random.Generator) -> str:
        """One changed text."""
        raise TypeError(f"{type(self).__name__} does not implement text()")


@dataclass(frozen=True)
class Typos(TextChange):
    """Letters swapped with their neighbour, left out, or doubled.

    Args:
        rate: Share of letters that are hit.
    """

    rate: float = 0.05

    name: ClassVar[str] = "text/typos"
    dial: ClassVar[str] = "rate"
    sweep: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2)
    about: ClassVar[str] = "Swapped, missing and doubled letters in the fields named by `fields`."

    def __post_init__(self) -> None:
        """Refuse a rate that is no share."""
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate must lie between 0 and 1 (got {self.rate})")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Go through the letters once; spaces, digits and marks stay."""
        letters, place = list(text), 0
        while place < len(letters):
            if letters[place].isalpha() and rng.random() < self.rate:
                kind = rng.integers(3)
                if kind == 0 and place + 1 < len(letters) and letters[place + 1].isalpha():
                    letters[place : place + 2] = letters[place + 1], letters[place]
                    place += 1
                elif kind == 1:
                    letters[place] = ""
                else:
                    letters[place] *= 2
            place += 1
        return "".join(letters)


@dataclass(frozen=True)
class UpperCase(TextChange):
    """Everything in capitals."""

    name: ClassVar[str] = "text/upper-case"
    about: ClassVar[str] = "Capital letters only, in the fields named by `fields`."

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Capitals."""
        return text.upper()


@dataclass(frozen=True)
class ExtraSpaces(TextChange):
    """Spaces doubled at random places.

    Args:
        rate: Share of spaces that are doubled.
    """

    rate: float = 0.3

    name: ClassVar[str] = "text/extra-spaces"
    dial: ClassVar[str] = "rate"
    sweep: ClassVar[tuple[float, ...]] = (0.1, 0.3, 1.0)
    about: ClassVar[str] = "Doubled spaces in the fields named by `fields`."

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Double some spaces."""
        return "".join(
            "  " if letter == " " and rng.random() < self.rate else letter for letter in text
        )


@dataclass(frozen=True)
class MissingWords(TextChange):
    """A share of the words left out; a larger share leaves out the same words and further ones.

    Args:
        share: Of the words.
    """

    share: float = 0.5

    name: ClassVar[str] = "text/missing-words"
    dial: ClassVar[str] = "share"
    sweep: ClassVar[tuple[float, ...]] = (0.25, 0.5, 0.75, 1.0)
    about: ClassVar[str] = "Words left out of the fields named by `fields`, up to all of them."

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie between 0 and 1 (got {self.share})")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """What is left, closed up; the order of leaving depends on the text alone."""
        words = text.split()
        order = rng_of(self.name, text).permutation(len(words))
        gone = set(order[: round(self.share * len(words))].tolist())
        return " ".join(word for i, word in enumerate(words) if i not in gone)
