"""Slips of the keyboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from evalsuite_robustness.texts.change import TextChange, refuse_unless_share

Slip = Literal["neighbour", "swap", "drop", "double"]
SLIPS: tuple[Slip, ...] = ("neighbour", "swap", "drop", "double")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """The letters beside each on a QWERTY keyboard; each row stands half a key to the right."""
    place = {letter: (y, x + y / 2) for y, row in enumerate(_ROWS) for x, letter in enumerate(row)}
    return {
        letter: "".join(
            other
            for other, (v, u) in place.items()
            if other != letter and abs(v - y) <= 1 and abs(u - x) <= 1
        )
        for letter, (y, x) in place.items()
    }


NEIGHBOURS = _neighbours()


@dataclass(frozen=True)
class Typos(TextChange):
    """Letters struck beside the key, swapped with the next one, left out, or doubled.

    Letters that are not on a QWERTY keyboard have no neighbour, and slip in another way.

    Args:
        rate: Share of letters that are hit.
        slips: Which of ``neighbour``, ``swap``, ``drop``, ``double`` happen, equally often.
    """

    rate: float = 0.05
    slips: tuple[Slip, ...] = SLIPS

    name: ClassVar[str] = "text/typos"
    dial: ClassVar[str] = "rate"
    sweep: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2)
    about: ClassVar[str] = (
        "Neighbouring, swapped, missing and doubled letters (as in HELM, Liang et al. 2023)."
    )

    def __post_init__(self) -> None:
        """Refuse a rate that is no share, and no slips at all."""
        refuse_unless_share("rate", self.rate)
        if not self.slips:
            raise ValueError(f"slips must name one or more of {', '.join(SLIPS)}")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """Go through the letters once; spaces, digits and marks stay."""
        letters, place = list(text), 0
        while place < len(letters):
            if letters[place].isalpha() and rng.random() < self.rate:
                after = letters[place + 1] if place + 1 < len(letters) else ""
                is_alone = not after.isalpha() and not (place and letters[place - 1].isalpha())
                slip = self._drawn(letters[place], after, is_alone, rng)
                if slip == "swap":
                    letters[place : place + 2] = after, letters[place]
                    place += 1
                elif slip is not None:
                    letters[place] = _struck(letters[place], slip, rng)
            place += 1
        return "".join(letters)

    def _drawn(
        self, letter: str, after: str, is_alone: bool, rng: np.random.Generator
    ) -> Slip | None:
        """One of the slips that change something but leave a word a word; None where none does."""
        possible = [
            slip
            for slip in self.slips
            if (slip != "swap" or (after.isalpha() and after != letter))
            and (slip != "neighbour" or letter.lower() in NEIGHBOURS)
            and (slip != "drop" or not is_alone)
        ]
        return possible[int(rng.integers(len(possible)))] if possible else None


def _struck(letter: str, slip: Slip, rng: np.random.Generator) -> str:
    if slip == "drop":
        return ""
    if slip == "double":
        return letter * 2
    beside = NEIGHBOURS[letter.lower()]
    struck = beside[int(rng.integers(len(beside)))]
    return struck.upper() if letter.isupper() else struck
