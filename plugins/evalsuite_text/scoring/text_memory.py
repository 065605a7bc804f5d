"""What is remembered of texts, within a bounded number of tokens."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any


class TextMemory:
    """One tuple with an entry for each token of a text; the longest unused are forgotten first."""

    def __init__(self, n_tokens: int) -> None:
        """Room for so many tokens."""
        self.n_tokens = n_tokens
        self._kept: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._n = 0

    def __contains__(self, text: str) -> bool:
        """Whether a text is remembered."""
        return text in self._kept

    def get(self, text: str) -> tuple[Any, ...] | None:
        """What is remembered of a text, or None."""
        if text not in self._kept:
            return None
        self._kept.move_to_end(text)
        return self._kept[text]

    def put(self, text: str, entries: tuple[Any, ...]) -> None:
        """Remember a text that is not remembered yet."""
        self._kept[text] = entries
        self._n += len(entries) + 1
        while self._n > self.n_tokens:
            _, forgotten = self._kept.popitem(last=False)
            self._n -= len(forgotten) + 1
