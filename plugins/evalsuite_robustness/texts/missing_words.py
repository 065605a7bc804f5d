"""Words left out: how much of a text an answer needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from evalsuite.derived import rng_of
from evalsuite_robustness.texts.change import TextChange, refuse_unless_share


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
    answers: ClassVar[Literal["kept", "changed", "gone"]] = "gone"
    about: ClassVar[str] = "Words left out of the fields named by `fields`, up to all of them."

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        refuse_unless_share("share", self.share)

    def text(self, text: str, rng: np.random.Generator) -> str:
        """What is left, closed up; the order of leaving depends on the text alone."""
        words = text.split()
        order = rng_of(self.name, text).permutation(len(words))
        gone = set(order[: round(self.share * len(words))].tolist())
        return " ".join(word for i, word in enumerate(words) if i not in gone)
