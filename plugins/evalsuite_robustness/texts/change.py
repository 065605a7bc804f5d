"""What all changes of texts share: which fields they change, by what random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import DataError, Sample
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

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when the samples have none of the fields.

        The first texts may well hold nothing to change; how many samples were changed is estimated.
        """
        good = [sample for sample in samples if sample.broken is None]
        if good and not any(isinstance(s.get(name), str) for s in good for name in self.fields):
            raise DataError(
                f"The variant {self.name!r} finds nothing to change in these data; their fields "
                f"are {', '.join(sorted(good[0].fields)) or 'none'}. It changes the texts named by "
                f"`fields`, here {', '.join(self.fields)}. {self.about}"
            )


def refuse_unless_share(name: str, value: float) -> None:
    """Raise ValueError for anything but a number from 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1 (got {value})")


def like(word: str, example: str) -> str:
    """A word with a capital where the one that it stands for has one."""
    return word[:1].upper() + word[1:] if example[:1].isupper() else word
