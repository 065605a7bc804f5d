"""A model that answers from functions: for tests of the harness, not of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evalsuite import Classification, ModelInfo, Request


class TableModel:
    """Answers every request by a function, and counts what it was asked."""

    def __init__(self, answer: Callable[[Request], Any], fingerprint: str = "table") -> None:
        self.answer = answer
        self.fingerprint = fingerprint
        self.asked: list[list[Request]] = []
        self.info = ModelInfo(
            "table:1", "table", frozenset({"text", "image", "audio"}), frozenset({"classify"})
        )

    def cost(self, request: Request) -> int:
        return max(1, len(request.parts[0].text)) if request.parts else 1

    def classify(self, requests: Sequence[Request]) -> list[Any]:
        self.asked.append(list(requests))
        return [self.answer(request) for request in requests]

    def close(self) -> None:
        return None


def yes(request: Request) -> Classification:
    return Classification(("no", "yes"), (0.25, 0.75))
