"""Extractive question answering: the span of a context that answers, or that none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import AnswerSpan, Card, DataError, Mean, Metric, Null, Probe, Proportion, Sample
from evalsuite.text_lists import listed, written
from evalsuite_text.metrics import SCORERS, load_scorer
from evalsuite_text.metrics.pairings import mismatched

OTHERS = Null(0.0, margin=0.02, side="above", why="answers to other questions")


@dataclass(frozen=True)
class ExtractiveAnswers(Probe):
    """Compare the best span of a context with the right answers.

    Args:
        language: Of the answers; chooses their normalisation (``squad`` for en, else MLQA's).
        scorer: A record scorer with exact_match and f1, e.g. ``cmrc``; overrides the language's.
        may_decline: Whether "no answer" is an answer (SQuAD 2.0); without it the best span counts.
        null_threshold: The model declines when its no-answer score exceeds its best span's by
            more than this, in logits.
    """

    language: str = "en"
    scorer: str = ""
    may_decline: bool = False
    null_threshold: float = 0.0

    name: ClassVar[str] = "text/extractive-qa"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (AnswerSpan,)
    fields: ClassVar[Any] = ("question", "context", "answers")
    card: ClassVar[Card] = Card(
        measures="Whether the span that the model points at is one of the right answers (exact "
        "match), and how many words they share (F1), after the benchmark's own normalisation.",
        does_not_measure="Whether the model understood the question: many answers can be found by "
        "their type alone. Nor whether it would write the answer by itself.",
        reference="Rajpurkar et al. 2016 and 2018 (SQuAD); Lewis et al. 2020 (MLQA); Cui et al. "
        "2019 (CMRC 2018)",
        critique="Figures under different normalisations cannot be compared: XQuAD's paper scores "
        "every language by SQuAD's English rules (scorer: squad).",
    )

    def __post_init__(self) -> None:
        """Refuse a language or a scorer that has no answer normalisation."""
        known = [name for name in SCORERS if name.startswith(("squad", "xquad", "cmrc"))]
        if self.chosen_scorer not in known:
            asked = self.scorer or f"language {self.language}"
            raise ValueError(f"no answer scorer for {asked!r}; there are {', '.join(known)}")

    @property
    def chosen_scorer(self) -> str:
        """The short name of the record scorer."""
        return self.scorer or ("squad" if self.language == "en" else f"xquad-{self.language}")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """F1 and exact match; where the model may decline, also of both kinds of questions."""
        by = "kind" if self.may_decline else None
        return (
            Mean(
                "f1",
                name="F1",
                by=by,
                null=OTHERS,
                chance="f1_mismatched",
                direction="higher is better",
                primary=True,
            ),
            Proportion(
                "exact_match",
                name="exact match",
                by=by,
                null=OTHERS,
                chance="exact_match_mismatched",
                direction="higher is better",
            ),
            Proportion("is_declined", name="declined", by=by),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask for the best span; score it against the answers, or against there being none."""
        answers = answer_texts(sample["answers"])
        is_impossible = bool(sample.get("is_impossible", not answers))
        references = [""] if is_impossible else answers
        if not references:
            raise DataError("the sample has no answer, but is_impossible says that it has one")
        span = yield AnswerSpan(str(sample["question"]), str(sample["context"]))
        null_margin = span.null_score - span.score
        is_declined = not span.text or (self.may_decline and null_margin > self.null_threshold)
        prediction = "" if is_declined else span.text
        return {
            **self._scores(prediction, references),
            "prediction": prediction,
            "references": written(references),
            "kind": "no answer" if is_impossible else "has answer",
            "is_declined": float(is_declined),
            "null_margin": null_margin,
        }

    def _scores(self, prediction: str, references: Sequence[str]) -> dict[str, float]:
        scores = load_scorer(self.chosen_scorer)(prediction, references)
        return {"exact_match": float(scores["exact_match"]), "f1": float(scores["f1"])}

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add how each answer would score on another question: what not reading gets."""
        del context
        keys = [(record["references"], record["prediction"]) for record in records]
        made = [dict(record) for record in records]
        for partners in mismatched(keys, rng):
            for record, partner in zip(made, partners, strict=True):
                theirs = listed(records[partner]["references"], "references")
                for name, value in self._scores(record["prediction"], theirs).items():
                    record[f"{name}_mismatched"] = value
        return made


def answer_texts(value: Any) -> list[str]:
    """The right answers as texts: a list of texts or of SQuAD's entries, or the hub's two columns.

    Raises:
        DataError: The value has none of these forms.
    """
    if isinstance(value, Mapping) and isinstance(value.get("text"), list | tuple):
        value = value["text"]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple):
        raise DataError(f"answers must be a list of texts (got {value!r})")
    return [str(item["text"]) if isinstance(item, Mapping) else str(item) for item in value]
