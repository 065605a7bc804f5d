"""Open questions about an image: the model writes an answer, people's answers judge it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, DataError, Generate, Metric, Null, Probe, Proportion, Sample
from evalsuite_vision.metrics.answers import NAMES, SCORINGS, Scoring
from evalsuite_vision.metrics.text_lists import listed, written
from evalsuite_vision.metrics.vqa_words import normal_answer
from evalsuite_vision.tasks.identity import image_id


@dataclass(frozen=True)
class OpenQuestionAnswering(Probe):
    """Write an answer to (image, question) and score it.

    Args:
        metric: vqa (leave-one-out agreement with ten people), anls (edit distance, tau 0.5),
            relaxed (numbers within 5 %) or exact.
        without_image: Ask without the image: what the question alone gives away.
        prompt: What stands after the image; ``{question}`` is the question.
        max_tokens: Longest answer.
    """

    metric: Scoring = "vqa"
    without_image: bool = False
    prompt: str = "{question}"
    max_tokens: int = 32

    name: ClassVar[str] = "vision/open-question-answering"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)
    fields: ClassVar[Any] = ("image", "question", "answers")
    card: ClassVar[Card] = Card(
        measures="How well the answers that a model writes agree with people's answers, against "
        "always giving the data's most frequent answer.",
        does_not_measure="Answers that are right in other words; and whether the image was "
        "needed: compare with `without_image: true`.",
        reference="Antol et al. 2015 and Goyal et al. 2017 (VQA); Biten et al. 2019 (ANLS); Masry "
        "et al. 2022 (relaxed accuracy)",
        critique="A model that explains itself at length is marked wrong: ask for a short answer "
        "in the prompt.",
    )

    def __post_init__(self) -> None:
        """Refuse an unknown metric and a prompt without the question."""
        if self.metric not in SCORINGS:
            raise ValueError(f"metric must be one of {', '.join(SCORINGS)} (got {self.metric!r})")
        if "{question}" not in self.prompt:
            raise ValueError(f"the prompt must contain {{question}} (got {self.prompt!r})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The chosen score, and shares of empty and cut answers."""
        return (
            Proportion(
                "score",
                name=NAMES[self.metric],
                by="kind",
                clusters="image_id",
                null=Null(0.0, margin=0.01, side="above", why="always the most frequent answer"),
                chance="majority_score",
                direction="higher is better",
                primary=True,
            ),
            Proportion(
                "is_empty", name="empty answers", clusters="image_id", direction="lower is better"
            ),
            Proportion("is_cut", name="answers cut at the limit", direction="lower is better"),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Write one answer."""
        references = self._references(sample)
        question = self.prompt.replace("{question}", str(sample["question"]))
        prompt = question if self.without_image else (sample["image"], question)
        reply = yield Generate(prompt, max_tokens=self.max_tokens)
        answer = reply.text.strip()
        return {
            "score": SCORINGS[self.metric](answer, references),
            "answer": answer,
            "references": written(references),
            "is_empty": float(not answer),
            "is_cut": float(reply.finish_reason == "length"),
            "image_id": image_id(sample),
            "kind": sample.get("kind") or "all",
        }

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
        majority = _most_frequent([listed(record["references"]) for record in records])
        score = SCORINGS[self.metric]
        return [
            {**record, "majority_score": score(majority, listed(record["references"]))}
            for record in records
        ]


def _most_frequent(answers: Sequence[Sequence[str]]) -> str:
    """The answer that most people gave, as it was written; the first by alphabet of several."""
    given = [text for texts in answers for text in texts if text.strip()]
    counts = Counter(normal_answer(text) or text for text in given)
    best = max(sorted(counts), key=counts.__getitem__)
    return min(text for text in given if (normal_answer(text) or text) == best)
