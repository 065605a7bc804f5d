"""A classifier that goes by one word, for tests of what explains it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalsuite import Attribute, Attribution, Classification, Classify
from evalsuite_explain.inputs.words import words_of


def reading(word: str | None, missed: float = 0.0, n_steps: int = 0) -> Callable[[Any], Any]:
    """Calls a text good where it has the word (or never), and attributes accordingly.

    Args:
        word: What it goes by.
        missed: By how much its explanations miss their total, as a share of it.
        n_steps: Of the path that it says it went along.
    """

    def answer(request: Any) -> Any:
        if isinstance(request, Classify):
            sees = word is not None and word in request.content[0].text.split()
            return Classification(("bad", "good"), (0.1, 0.9) if sees else (0.5, 0.5))
        assert isinstance(request, Attribute)
        words = words_of(request.content[0].text)
        scores = tuple(float(w == word) for w, _ in words)
        spans = tuple(span for _, span in words)
        return Attribution(scores, spans, sum(scores) * (1 + missed), missed, n_steps=n_steps)

    return answer
