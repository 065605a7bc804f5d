"""Which words for groups of people a text uses, and beside which other words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


@dataclass(frozen=True)
class WordLists:
    """Words for groups, and words whose company is looked at.

    Attributes:
        version: Of the lists; figures under different versions do not compare.
        limits: What the lists miss.
        groups: Name of a group and its words.
        targets: The other words.
    """

    version: str
    limits: str
    groups: tuple[tuple[str, frozenset[str]], ...]
    targets: tuple[str, ...]

    def counts(self, text: str) -> npt.NDArray[Any]:
        """How many words of each group a text has, [groups]."""
        words = words_of(text)
        return np.array([sum(w in known for w in words) for _, known in self.groups], float)

    def company(self, texts: Iterable[str]) -> npt.NDArray[Any]:
        """Words of each group in the texts that hold a target, [targets, groups]."""
        found = np.zeros((len(self.targets), len(self.groups)))
        for text in texts:
            present = set(words_of(text))
            is_in = np.array([target in present for target in self.targets])
            found[is_in] += self.counts(text)
        return found


def words_of(text: str) -> list[str]:
    """The words of a text, case folded."""
    return _WORD.findall(text.casefold())


@cache
def word_lists() -> WordLists:
    """The lists that come with this package."""
    file = resources.files("evalsuite_fairness.written") / "word_lists.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    groups = tuple((name, frozenset(words)) for name, words in found["groups"].items())
    return WordLists(str(found["version"]), found["limits"], groups, tuple(found["targets"]))
