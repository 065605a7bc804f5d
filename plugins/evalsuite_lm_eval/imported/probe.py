"""A task of an imported log: its own numbers, with intervals where its samples permit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from evalsuite import Card, DataError, Failure, Metric, Probe, RequestFailed, Sample
from evalsuite_lm_eval.imported.metric import VALUES, PublishedNumbers
from evalsuite_lm_eval.imported.source import LoggedAnswer

MAX_PROMPT, MAX_ANSWER = 4000, 2000


@dataclass(frozen=True)
class ImportedTask(Probe):
    """What another harness measured, sample by sample where its log has samples.

    Attributes:
        published: The log's numbers, as ``PublishedMetric.to_json`` writes them.
        n_documents: How many documents they rest on, by the log.
    """

    published: list[dict[str, Any]] = field(default_factory=list)
    n_documents: int = 0

    name: ClassVar[str] = "imported/task"
    family: ClassVar[Any] = "task"
    fields: ClassVar[Any] = ("task", "doc")
    card: ClassVar[Card] = Card(
        measures="What another harness measured and logged. Each number is the log's own; its "
        "interval resamples the log's samples, provided that they give back the logged number.",
        does_not_measure="Anything about this program's own engine: prompts, answers and scores "
        "are taken from the log as they are.",
        reference="lm-evaluation-harness's results and samples files; Inspect's EvalLog",
        critique="A number that the log's samples do not reproduce has no interval of ours, only "
        "the log's standard error.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The log's numbers."""
        return (PublishedNumbers(tuple(self.published), self.n_documents),)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Nothing is asked; the log's answer becomes the record."""
        logged = sample["task"]
        if not isinstance(logged, LoggedAnswer):
            raise DataError("imported/task reads a source of type imported-log")
        row = logged.row
        if row.get("failure"):
            raise RequestFailed(Failure("failed in the log", str(row["failure"])))
        return record_of(row)
        yield  # makes this a generator


def record_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the copied log as a record; values that fit no column travel beside them."""
    told = {
        "prompt": (row.get("prompt") or "")[-MAX_PROMPT:],
        "answer": (row.get("answer") or "")[:MAX_ANSWER],
        "target": (row.get("target") or "")[:MAX_ANSWER],
    }
    scalars = {k: v for k, v in row["values"].items() if isinstance(v, str | int | float | bool)}
    chance = row.get("chance")
    return {
        **{key: text for key, text in told.items() if text},
        **scalars,
        **({} if chance is None else {"chance": chance}),
        VALUES: row["values"],
    }
