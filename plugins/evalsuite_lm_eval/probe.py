"""Any task of lm-evaluation-harness as a probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, DataError, Metric, Probe, Sample
from evalsuite_lm_eval.aggregation import OUTCOME, HarnessMetrics, Outcome
from evalsuite_lm_eval.requests import requests_of, responses_of
from evalsuite_lm_eval.tasks import TaskDocument

MAX_TEXT = 500


@dataclass(frozen=True)
class HarnessTask(Probe):
    """A task's own requests, filters, per-document metrics and aggregations, on our models.

    Reads a source of type ``lm_eval``, which says everything else.
    """

    name: ClassVar[str] = "lm-eval/task"
    family: ClassVar[Any] = "task"
    fields: ClassVar[Any] = ("task", "doc")
    card: ClassVar[Card] = Card(
        measures="What the task's authors defined in lm-evaluation-harness: its prompts, filters, "
        "per-document metrics and aggregations are the harness's own. The answers come from this "
        "program's engine, the intervals from resampling documents.",
        does_not_measure="Anything outside the task's own card. A prompt that is too long to "
        "generate from fails instead of being cut from the left.",
        reference="Gao et al., A framework for few-shot language model evaluation "
        "(EleutherAI/lm-evaluation-harness); Biderman et al. 2024, Lessons from the Trenches on "
        "Reproducible Evaluation of Language Models",
        critique="Scores move with prompt format and number of worked examples; compare runs that "
        "share both.",
    )
    metrics: ClassVar[Sequence[Metric]] = (HarnessMetrics(),)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask what the task asks about one document, and let the task judge the answers."""
        document = sample["task"]
        if not isinstance(document, TaskDocument):
            raise DataError("lm-eval/task reads a source of type lm_eval, which names the task")
        task, index = document.task, document.index
        instances = task.instances(index)
        is_chat = task.prompting.apply_chat_template
        asked = [requests_of(instance, is_chat) for instance in instances]
        answers = iter((yield tuple(request for requests in asked for request in requests)))
        responses = [
            responses_of(instance, [next(answers) for _ in requests])
            for instance, requests in zip(instances, asked, strict=True)
        ]
        found = task.results(index, instances, responses)
        chance = task.chance(index, len(instances))
        values = {
            f"{metric},{name}": value
            for name, result in found.items()
            for metric, value in result["metrics"].items()
        }
        record: dict[str, Any] = {
            "task": task.name,
            "doc_id": index,
            "target": task.target(index)[:MAX_TEXT],
            **{key: plain for key, value in values.items() if (plain := scalar(value)) is not None},
            **_answers(found),
            **({} if chance is None else {"chance": chance}),
        }
        record[OUTCOME] = Outcome(document, values, chance)
        return record


def scalar(value: Any) -> float | int | bool | str | None:
    """A metric value that fits a column; None for a pair, a list, an array."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, float | int | bool | str) else None


def _answers(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What each filter let through of generated text, for the reader of samples."""
    answers: dict[str, str] = {}
    for name, result in found.items():
        first = result["filtered"][0] if result["filtered"] else None
        if isinstance(first, str):
            answers[f"answer,{name}"] = first[:MAX_TEXT]
    return answers
