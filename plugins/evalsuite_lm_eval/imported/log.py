"""What a log of another harness says, whichever harness wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = float | int | bool | str | list[Any] | None


@dataclass(frozen=True)
class PublishedMetric:
    """One number of a log.

    Attributes:
        name: As the log calls it, e.g. ``acc,none``.
        value: The number; None where the log has none.
        stderr: Its standard error, where the log has one.
        higher_is_better: Its direction, where the log says.
        aggregations: What may have made it of the documents, e.g. ``("mean",)``: names that the
            harness registers, tried in this order.
        column: The document's value it is made of; its own name by default.
    """

    name: str
    value: float | None
    stderr: float | None = None
    higher_is_better: bool | None = None
    aggregations: tuple[str, ...] = ("mean",)
    column: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the plan keeps it."""
        return {
            "name": self.name,
            "value": self.value,
            "stderr": self.stderr,
            "higher_is_better": self.higher_is_better,
            "aggregations": list(self.aggregations),
            "column": self.column or self.name,
        }


@dataclass(frozen=True)
class LoggedDocument:
    """One document: what was asked, what came back, and what it was worth.

    ``document`` is the data set's own row; equal rows of equal tasks are paired in comparisons.
    ``failure`` says why there is no answer; then there are no values.
    """

    id: str
    document: Any
    values: Mapping[str, Value] = field(default_factory=dict)
    prompt: str = ""
    answer: str = ""
    target: str = ""
    chance: float | None = None
    failure: str | None = None

    def to_json(self) -> dict[str, Any]:
        """One line of the run's copy of the log."""
        return {
            "id": self.id,
            "document": self.document,
            "values": dict(self.values),
            "prompt": self.prompt,
            "answer": self.answer,
            "target": self.target,
            "chance": self.chance,
            "failure": self.failure,
        }


@dataclass(frozen=True)
class LoggedTask:
    """One task of a log; without documents where the log kept only results."""

    name: str
    metrics: tuple[PublishedMetric, ...]
    documents: tuple[LoggedDocument, ...]
    n_documents: int
    version: str = ""


@dataclass(frozen=True)
class Log:
    """One model on some tasks, as another harness measured it.

    ``facts`` go into the report's provenance: the harness and its version, when, with what
    arguments.
    """

    path: str
    model: str
    harness: str
    facts: Mapping[str, str]
    tasks: tuple[LoggedTask, ...]
