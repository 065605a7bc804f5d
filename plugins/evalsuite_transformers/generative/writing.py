"""What each row of a generation writes: its limit, end tokens, stop strings, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsuite import Generation
from evalsuite_transformers.generative.sampling import Choice
from evalsuite_transformers.written_text import finished, holds_stop


@dataclass
class Row:
    """One request on its way: how many tokens it may write, and which it wrote."""

    choice: Choice
    n_new: int
    written: list[int] = field(default_factory=list)
    is_done: bool = False


class Scribe:
    """Knows where text ends, and turns tokens into answers."""

    def __init__(self, tokenizer: Any, ends: Sequence[int]) -> None:
        """``ends``: the tokens that end a text."""
        self.tokenizer, self.ends = tokenizer, frozenset(ends)

    def take(self, row: Row, token: int) -> None:
        """Add a token, and see whether it was the last one."""
        row.written.append(token)
        row.is_done = (
            len(row.written) >= row.n_new
            or token in self.ends
            or holds_stop(self.tokenizer, row.choice.request.stop, row.written)
        )

    def answer(self, row: Row) -> Generation:
        """Cut before the end token, and before the first stop string.

        A stop string counts the tokens up to the one that completes it.
        """
        return finished(self.tokenizer, row.written, self.ends, row.choice.request.stop)
