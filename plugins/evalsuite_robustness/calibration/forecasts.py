"""Confidences with their outcomes: which rows have one, and words of utterances as rows."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalsuite import Estimate, Metric, Table, undefined

# JSON of [text, confidence, correct] for each word of an utterance.
WORDS = "word_forecasts"
# Which utterance a word is of.
UTTERANCE = "utterance"


@dataclass(frozen=True)
class OfForecasts:
    """A metric over confidences: over each word where records have words, else over each record.

    Rows without a confidence are left out; their number is the fact ``n_without_confidence``.
    Undefined: no row has one.

    Attributes:
        metric: Reads the columns confidence, correct, overconfidence, squared_error and surprise.
    """

    metric: Any

    @property
    def name(self) -> str:
        """The metric's own."""
        return str(self.metric.name)

    @property
    def primary(self) -> bool:
        """The metric's own."""
        return bool(self.metric.primary)

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The metric's estimates."""
        found = of_words(table) if WORDS in table.columns else table
        has_one = ~np.isnan(found.numbers("confidence")) if found.n else np.zeros(0, dtype=bool)
        if not has_one.any():
            reason = "no answer came with a confidence"
            return [undefined(self.name, reason, is_primary=self.primary)]
        missing = int((~has_one).sum())
        estimates = self.metric.estimate(found.where(has_one) if missing else found, rng)
        extra = {"n_without_confidence": missing} if missing else {}
        return [replace(e, extra={**e.extra, **extra}) for e in estimates]


def of_words(table: Table) -> Table:
    """One row for each word, with the columns of its utterance and ``utterance``, its number."""
    words = [json.loads(text) for text in table[WORDS]]
    owner = np.array([i for i, own in enumerate(words) for _ in own], dtype=int)
    columns: dict[str, Any] = {
        name: column[owner] for name, column in table.columns.items() if name != WORDS
    }
    flat = [word for own in words for word in own]
    confidence = np.array([math.nan if word[1] is None else word[1] for word in flat], dtype=float)
    correct = np.array([word[2] for word in flat], dtype=float)
    facts = facts_of(confidence, correct)
    columns |= {"confidence": confidence, "correct": correct, UTTERANCE: owner, **facts}
    return Table(columns, len(flat), table.n_failed)


def facts_of(confidence: Any, correct: Any) -> dict[str, Any]:
    """What follows from a confidence in [0, 1] and its outcome, for numbers or arrays."""
    share = np.where(np.asarray(correct) > 0.5, confidence, 1 - np.asarray(confidence))
    return {
        "overconfidence": confidence - correct,
        "squared_error": (confidence - correct) ** 2,
        "surprise": -np.log(np.maximum(share, 1e-300)),
    }


def forecast_record(confidence: float | None, correct: float) -> dict[str, Any]:
    """The columns of one answer; a fraction of credit counts as the probability of being right."""
    if confidence is None:
        names = ("confidence", "overconfidence", "squared_error", "surprise")
        return {**dict.fromkeys(names), "correct": correct}
    surprise = 0.0
    for weight, probability in ((correct, confidence), (1 - correct, 1 - confidence)):
        surprise -= weight * math.log(max(probability, 1e-300)) if weight else 0.0
    return {
        "confidence": confidence,
        "correct": correct,
        "overconfidence": confidence - correct,
        "squared_error": correct * (confidence - 1) ** 2 + (1 - correct) * confidence**2,
        "surprise": surprise,
    }


def over_forecasts(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """The metrics, each over the rows that have a confidence."""
    return tuple(OfForecasts(metric) for metric in metrics)
