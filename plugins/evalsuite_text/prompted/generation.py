"""Answers that a model writes: filtered, then compared with the right ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Generate, Mean, Metric, Proportion, Sample, template
from evalsuite_text.metrics import load_scorer
from evalsuite_text.prompted import filters
from evalsuite_text.prompted.base import Prompted
from evalsuite_text.prompted.examples import Examples


@dataclass(frozen=True)
class PromptedGeneration(Prompted):
    """Let a model write an answer and compare what the filters leave of it.

    Args:
        target: Field with the right answer or answers, or a template of one.
        filters: From the written text to the answer in it, one after another; see filters.py.
        target_filters: The same for the right answers (e.g. the number after ``####``).
        scorers: How answers are compared; the first one's first score is the headline.
        max_tokens, stop, temperature, top_p, top_k: How the model writes.
        repeats: Answers per question, each with its own seed; needs a temperature above 0.
    """

    target: str = "answer"
    filters: tuple[str | Mapping[str, Any], ...] = ("strip",)
    target_filters: tuple[str | Mapping[str, Any], ...] = ("strip",)
    scorers: tuple[str, ...] = ("exact-match",)
    max_tokens: int = 128
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repeats: int = 1

    name: ClassVar[str] = "text/generation"
    needs: ClassVar[Any] = (Generate,)
    card: ClassVar[Card] = Card(
        measures="Whether the answer found in what a model writes is right, by the scores named in "
        "the options; an answer that the filters cannot find counts as wrong.",
        does_not_measure="Whether the reasoning before the answer holds; nor knowledge of a model "
        "that does not keep to the format: the parse rate beside the score tells.",
        reference="Cobbe et al. 2021 (numbers); Rajpurkar et al. 2016 (exact match and F1); Wang "
        "et al. 2023 (majority over samples)",
        critique="Filters are part of the score: another filter, another number.",
    )

    def __post_init__(self) -> None:
        """Check templates, filters and scorers before anything runs."""
        super().__post_init__()
        template.check(self.target, "target")
        filters.build(self.filters)
        filters.build(self.target_filters)
        for name in self.scorers:
            load_scorer(name)
        if not self.scorers:
            raise ValueError("scorers must name at least one")
        if self.repeats < 1 or (self.repeats > 1 and self.temperature == 0):
            raise ValueError(
                "repeats must be 1, or more with a temperature above 0: greedy answers are all "
                f"equal (got repeats {self.repeats}, temperature {self.temperature})"
            )

    @property
    def scores(self) -> tuple[str, ...]:
        """The columns that the scorers write for an answer."""
        found = [key for name in self.scorers for key in load_scorer(name)("", ["x"])]
        return tuple(dict.fromkeys(key for key in found if key != "reason"))

    @property
    def own_metrics(self) -> Sequence[Metric]:
        """The mean of each score, and how often there was an answer to score."""
        better: dict[str, Any] = {"clusters": self.clusters, "direction": "higher is better"}
        means = [
            Mean(column, name=column.replace("_", " "), primary=column == self.scores[0], **better)
            for column in self.scores
        ]
        if self.repeats > 1:
            means += [
                Mean("majority_correct", name=f"majority of {self.repeats}", **better),
                Mean("any_correct", name=f"right in any of {self.repeats}", **better),
            ]
        return (
            *means,
            Proportion("is_parsed", name="parse rate", **better),
            Proportion("is_empty", name="empty answers", direction="lower is better"),
            Proportion("is_cut", name="answers cut at the limit", direction="lower is better"),
        )

    def ask_once(self, sample: Sample, prompt: str, examples: Examples) -> Generator[Any, Any, Any]:
        """Write, filter, score; with repeats, scores are means over them."""
        references = self._references(sample)
        question = self.question_of(sample.fields, prompt)
        content = self.content(sample, question, prompt, examples)
        written = yield tuple(self._request(content, seed) for seed in range(self.repeats))
        steps = filters.build(self.filters)
        found = [filters.apply(steps, answer.text) for answer in written]
        scores = [self._scored(answer, references) for answer in found]
        record: dict[str, Any] = {
            key: sum(score[key] for score in scores) / len(scores) for key in self.scores
        }
        record |= {
            "correct": record[self.scores[0]],
            "prediction": found[0] or "",
            "references": json.dumps(references, ensure_ascii=False),
            "is_parsed": sum(answer is not None for answer in found) / len(found),
            "is_empty": sum(not answer.text.strip() for answer in written) / len(written),
            "is_cut": sum(answer.finish_reason == "length" for answer in written) / len(written),
        }
        return record | self._over_repeats(found, scores)

    def answer_of(self, fields: Mapping[str, Any]) -> str:
        """The first right answer, unfiltered: with its reasoning, where it has one."""
        return template.texts(self.target, Sample("", fields))[0]

    def _request(self, content: Any, seed: int) -> Generate:
        return Generate(
            content,
            max_tokens=self.max_tokens,
            stop=self.stop,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            seed=seed,
        )

    def _references(self, sample: Sample) -> list[str]:
        steps = filters.build(self.target_filters)
        found = [filters.apply(steps, text) for text in template.texts(self.target, sample)]
        return [text for text in found if text is not None]

    def _scored(self, answer: str | None, references: Sequence[str]) -> dict[str, float]:
        """Every score of an answer; what was not found is scored like an empty text."""
        found: dict[str, float] = {}
        for name in self.scorers:
            scores = load_scorer(name)(answer or "", references)
            found |= {key: float(value) for key, value in scores.items() if key != "reason"}
        return found

    def _over_repeats(
        self, found: Sequence[str | None], scores: Sequence[Mapping[str, float]]
    ) -> dict[str, float]:
        """Whether the most common answer is right (ties by the first), and whether any is."""
        if self.repeats == 1:
            return {}
        headline = [score[self.scores[0]] for score in scores]
        counted = Counter(answer for answer in found if answer is not None)
        majority = counted.most_common(1)[0][0] if counted else None
        return {
            "majority_correct": headline[found.index(majority)],
            "any_correct": float(max(headline) == 1),
        }
