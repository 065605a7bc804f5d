"""Cloze: a gap filled with each choice, and the last word of a passage."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, DataError, LogLikelihood, Metric, Proportion, Sample
from evalsuite_text.prompted.base import Prompted
from evalsuite_text.prompted.choice import MultipleChoice, credit, target_index
from evalsuite_text.prompted.examples import Examples
from evalsuite_text.prompted.prompt import Solved
from evalsuite_text.tasks.perplexity import CorpusRate


@dataclass(frozen=True)
class Cloze(MultipleChoice):
    """Fill the gap of a sentence with each choice and score what follows the gap.

    What follows is the same for all choices, so no choice is favoured for its own length or
    frequency.

    Args:
        prompt: Template of the sentence with the gap.
        gap: The mark that stands for the gap; exactly once.
    """

    prompt: str = "{{ sentence }}"
    gap: str = "_"

    name: ClassVar[str] = "text/cloze"
    card: ClassVar[Card] = Card(
        measures="How often the rest of the sentence is most probable after the right filling of "
        "its gap.",
        does_not_measure="How probable the filling itself is.",
        reference="Trinh and Le 2018 (partial scoring); Sakaguchi et al. 2020 (WinoGrande)",
    )

    @property
    def own_metrics(self) -> Sequence[Metric]:
        """Accuracy; what is scored has one length, so that there is nothing to normalise."""
        return super().own_metrics[:1]

    def ask_once(self, sample: Sample, prompt: str, examples: Examples) -> Generator[Any, Any, Any]:
        """Score the rest of the sentence after each choice."""
        choices = self.choices_of(sample.fields)
        target = target_index(self._answer_value(sample.fields), choices)
        before, after = self._around_gap(sample.fields, prompt)
        start = self.content(sample, before, prompt, examples)
        scores = yield tuple(LogLikelihood((*start, choice), after) for choice in choices)
        totals = [score.total for score in scores]
        return {
            "correct": credit(totals, target),
            "predicted": choices[totals.index(max(totals))],
            "target": choices[target],
            "margin": totals[target] - max(t for i, t in enumerate(totals) if i != target),
            "truncated_tokens": max(score.truncated_tokens for score in scores),
            "chance": 1 / len(choices),
        }

    def solved(self, fields: Mapping[str, Any], prompt: str) -> Solved:
        """The sentence with its gap filled."""
        before, after = self._around_gap(fields, prompt)
        return Solved(before, self.answer_of(fields) + after)

    def _around_gap(self, fields: Mapping[str, Any], prompt: str) -> tuple[str, str]:
        text = self.question_of(fields, prompt)
        if text.count(self.gap) != 1:
            raise DataError(f"{text!r} must hold the gap {self.gap!r} exactly once")
        before, after = text.split(self.gap)
        if not after.strip():
            raise DataError(f"nothing follows the gap in {text!r}, so there is nothing to score")
        return before, after


@dataclass(frozen=True)
class LastWord(Prompted):
    """Predict the last word of a passage.

    Args:
        prompt: Template of the passage; its last word is what is scored.
    """

    prompt: str = "{{ text }}"

    name: ClassVar[str] = "text/last-word"
    needs: ClassVar[Any] = (LogLikelihood,)
    card: ClassVar[Card] = Card(
        measures="How often greedy decoding writes exactly the last word of a passage, and the "
        "perplexity of that word.",
        does_not_measure="Other continuations that would make as much sense.",
        reference="Paperno et al. 2016 (LAMBADA)",
    )

    @property
    def own_metrics(self) -> Sequence[Metric]:
        """Accuracy and perplexity of the word."""
        accuracy = Proportion(
            "correct",
            name="accuracy",
            clusters=self.clusters,
            direction="higher is better",
            primary=True,
        )
        return accuracy, CorpusRate("perplexity of the last word", "n_targets", math.exp)

    def ask_once(self, sample: Sample, prompt: str, examples: Examples) -> Generator[Any, Any, Any]:
        """Score the last word after the rest."""
        before, word = split_last_word(self.question_of(sample.fields, prompt))
        start = self.content(sample, before, prompt, examples)
        score = yield LogLikelihood(start, " " + word)
        return {
            "correct": float(score.is_greedy),
            "target": word,
            "surprise": -score.total,
            "n_targets": 1,
            "truncated_tokens": score.truncated_tokens,
        }

    def solved(self, fields: Mapping[str, Any], prompt: str) -> Solved:
        """A whole passage."""
        before, word = split_last_word(self.question_of(fields, prompt))
        return Solved(before, " " + word)


def split_last_word(passage: str) -> tuple[str, str]:
    """A passage up to its last word, and the word; raises DataError for a single word."""
    before, _, word = passage.rstrip().rpartition(" ")
    if not before.strip():
        raise DataError(f"the passage {passage!r} has a single word; nothing stands before it")
    return before, word
