"""Open questions about an image or clip: a model writes an answer, people's answers judge it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite.answers.scores import NAMES, SCORINGS, Scoring, most_frequent
from evalsuite.content import as_content
from evalsuite.errors import DataError
from evalsuite.identity import medium_id
from evalsuite.metric import Metric, Null
from evalsuite.probe import Asking, Probe
from evalsuite.request import Generate
from evalsuite.source import Sample
from evalsuite.summaries import Proportion
from evalsuite.text_lists import listed, written


@dataclass(frozen=True)
class OpenAnswersTask(Probe):
    """Base: write an answer to a question about an image or a clip, and score it.

    Args:
        metric: vqa (leave-one-out agreement with ten people), anls (edit distance, tau 0.5),
            relaxed (numbers within 5 %), exact, or majority (the answer that most people gave, in
            VQA's normal form).
        prompt: What stands after the image or clip; ``{question}`` is the question.
        max_tokens: Longest answer.

    A subclass says in ``medium`` which field holds the image or clip, and in ``is_blind`` whether
    questions are asked without it.
    """

    metric: Scoring = "vqa"
    prompt: str = "{question}"
    max_tokens: int = 32

    medium: ClassVar[Literal["image", "audio"]] = "image"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (self.medium, "question", "answers")

    @property
    def is_blind(self) -> bool:
        """Whether the question is asked alone."""
        return False

    @property
    def media(self) -> tuple[Literal["image", "audio"], ...]:  # type: ignore[override]
        """The image or clip, where it is shown or played."""
        return () if self.is_blind else (self.medium,)

    def __post_init__(self) -> None:
        """Refuse an unknown metric and a prompt without the question."""
        if self.metric not in SCORINGS:
            raise ValueError(f"metric must be one of {', '.join(SCORINGS)} (got {self.metric!r})")
        if "{question}" not in self.prompt:
            raise ValueError(f"the prompt must contain {{question}} (got {self.prompt!r})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The chosen score, and shares of empty and cut answers."""
        unit = f"{self.medium}_id"
        return (
            Proportion(
                "score",
                name=NAMES[self.metric],
                by="kind",
                clusters=unit,
                null=Null(0.0, margin=0.01, side="above", why="always the most frequent answer"),
                chance="majority_score",
                direction="higher is better",
                primary=True,
            ),
            Proportion(
                "is_empty", name="empty answers", clusters=unit, direction="lower is better"
            ),
            Proportion("is_cut", name="answers cut at the limit", direction="lower is better"),
        )

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Write one answer."""
        references = self._references(sample)
        question = self.prompt.replace("{question}", str(sample["question"]))
        prompt = as_content(question if self.is_blind else (sample[self.medium], question))
        reply = yield Generate(prompt, max_tokens=self.max_tokens)
        answer = reply.text.strip()
        return {
            "score": SCORINGS[self.metric](answer, references),
            "answer": answer,
            "references": written(references),
            "is_empty": float(not answer),
            "is_cut": float(reply.finish_reason == "length"),
            f"{self.medium}_id": medium_id(sample, self.medium),
            "kind": self.kind_of(sample, references),
        }

    def kind_of(self, sample: Sample, references: Sequence[str]) -> str:
        """What slices the score; ``references`` are people's answers."""
        del references
        return str(sample.get("kind") or "all")

    def _references(self, sample: Sample) -> list[str]:
        """People's answers; raises DataError unless the metric can be computed from them."""
        value = sample["answers"]
        texts = list(value) if isinstance(value, list | tuple) else [value]
        answers = ["" if text is None else str(text) for text in texts]
        if not any(text.strip() for text in answers):
            raise DataError(f"answers must be a text or a list of texts (got {value!r})")
        if math.isnan(SCORINGS[self.metric](answers[0], answers)):
            raise DataError(
                f"metric: vqa leaves one of people's answers out, so it needs at least two (got "
                f"{value!r}); use `metric: exact` for a single right answer"
            )
        return answers

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add what the most frequent answer of the answered samples would score."""
        del context, rng
        if not records:
            return records
        answers = [listed(record["references"], "references") for record in records]
        majority, score = most_frequent(answers), SCORINGS[self.metric]
        return [
            {**record, "majority_score": score(majority, references)}
            for record, references in zip(records, answers, strict=True)
        ]
