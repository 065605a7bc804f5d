"""The options of a multiple-choice question in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from evalsuite import Sample
from evalsuite.variant import Variant


@dataclass(frozen=True)
class OptionOrder(Variant):
    """The first options moved to the end, the right answer with them.

    Where the answer is an index or a letter it is moved along; where it is the option's text it
    stays. As many places as there are options leave them as they were.

    Args:
        places: How many options are moved.
        choices: Field with the list of options.
        answer: Field with the right one.
    """

    places: int = 1
    choices: str = "choices"
    answer: str = "answer"

    name: ClassVar[str] = "text/option-order"
    dial: ClassVar[str] = "places"
    sweep: ClassVar[tuple[float, ...]] = (1, 2, 3)
    about: ClassVar[str] = (
        "The options in another order (Pezeshkpour and Hruschka 2024, arXiv:2308.11483; Zheng et "
        "al. 2024, ICLR); only a probe that shows them as a list can be moved by it."
    )

    def __post_init__(self) -> None:
        """Refuse to move nothing."""
        if self.places < 1:
            raise ValueError(f"places must be 1 or more (got {self.places})")

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The options turned, and the answer where it is now."""
        options = sample.get(self.choices)
        if not isinstance(options, list | tuple) or len(options) < 2:
            return sample.fields
        by = self.places % len(options)
        turned = type(options)((*options[by:], *options[:by]))
        answer = moved(sample.get(self.answer), [str(option) for option in options], by)
        return {**sample.fields, self.choices: turned, self.answer: answer}


def moved(answer: Any, options: Sequence[str], by: int) -> Any:
    """An answer after its options were turned: read as text, then as index, then as letter."""
    n = len(options)
    if isinstance(answer, int) and not isinstance(answer, bool):
        return (answer - by) % n
    text = str(answer)
    if text in options:
        return answer
    if text.isdecimal() and int(text) < n:
        return str((int(text) - by) % n)
    letter = ascii_uppercase.find(text.upper()) if len(text) == 1 else -1
    if not 0 <= letter < n:
        return answer
    turned = ascii_uppercase[(letter - by) % n]
    return turned if text.isupper() else turned.lower()
