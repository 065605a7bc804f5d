"""Content for a model: instructions, solved examples and the question, with roles marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite import Role, Text
from evalsuite.content import Content


@dataclass(frozen=True)
class Solved:
    """A question and its answer, as they stand in the prompt."""

    question: str
    answer: str


def compose(
    system: str, description: str, solved: Sequence[Solved], question: str, between: str
) -> Content:
    """The whole prompt.

    Read plainly it is the texts in a row, ``between`` after the system's part, the description and
    every answer. A model with a chat template gets the system's part, each question and each
    answer as a turn.
    """
    parts: list[Text | Role] = [Role("system"), Text(system + between)] if system else []
    opening = description + between if description else ""
    for example in solved:
        parts += [Role("user"), Text(opening + example.question)]
        parts += [Role("assistant"), Text(example.answer + between)]
        opening = ""
    if parts:
        parts.append(Role("user"))
    return (*parts, Text(opening + question))
