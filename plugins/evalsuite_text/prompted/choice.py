"""Multiple choice by the log-likelihood of each choice after the question."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, DataError, LogLikelihood, Metric, Null, Proportion, Sample, template
from evalsuite_text.prompted.base import Prompted
from evalsuite_text.prompted.examples import Examples

# The value is the mean of the records' own chance levels, 1 / number of choices.
GUESSING = Null(0.0, why="guessing among the choices")


@dataclass(frozen=True)
class MultipleChoice(Prompted):
    """Rank the choices of a question by log P(choice | question).

    Args:
        choices: Field that holds the list of choices, or templates of each choice.
        answer: Field with the right one: an index from 0, the choice itself, or a letter; or a
            template that gives one of these.
        unconditional: What stands before a choice when the question is left out, e.g. "Answer:";
            given, choices are also ranked by log P(choice | question) - log P(choice | this).
    """

    choices: str | tuple[str, ...] = "choices"
    answer: str = "answer"
    unconditional: str = ""

    name: ClassVar[str] = "text/multiple-choice"
    needs: ClassVar[Any] = (LogLikelihood,)
    card: ClassVar[Card] = Card(
        measures="How often the most probable of the given choices is the right one: by total "
        "log-likelihood, and by log-likelihood per byte and per token of the choice.",
        does_not_measure="Whether the model would write that answer by itself.",
        reference="Brown et al. 2020, section 2.4; per byte as in lm-evaluation-harness's "
        "acc_bytes (its acc_norm divides by characters); relative to the unconditional "
        "probability as in Holtzman et al. 2021",
        critique="Total likelihood favours short choices, likelihood per byte long ones; the two "
        "can rank models differently.",
    )

    def __post_init__(self) -> None:
        """Check the templates."""
        super().__post_init__()
        for text in self.choices if isinstance(self.choices, tuple) else ():
            template.check(text, "choices")

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have; templates say by themselves what they lack."""
        named = [name for name in (self.choices, self.answer) if isinstance(name, str)]
        plain = tuple(name for name in named if "{" not in name)
        return ("question", *plain) if self.prompt == "{{ question }}" else plain

    @property
    def own_metrics(self) -> Sequence[Metric]:
        """Accuracy in each normalisation."""
        columns = [
            ("correct", "accuracy"),
            ("correct_normalised", "accuracy per byte"),
            ("correct_per_token", "accuracy per token"),
        ]
        if self.unconditional:
            columns.append(("correct_relative", "accuracy relative to the unconditional"))
        return tuple(
            Proportion(
                column,
                name=name,
                clusters=self.clusters,
                null=GUESSING,
                chance="chance",
                direction="higher is better",
                primary=column == "correct",
            )
            for column, name in columns
        )

    def ask_once(self, sample: Sample, prompt: str, examples: Examples) -> Generator[Any, Any, Any]:
        """Score every choice; ties share the credit."""
        choices = self.choices_of(sample.fields)
        target = target_index(self._answer_value(sample.fields), choices)
        question = self.question_of(sample.fields, prompt)
        content = self.content(sample, question, prompt, examples)
        endings = [self.delimiter + choice for choice in choices]
        asked = [LogLikelihood(content, ending) for ending in endings]
        if self.unconditional:
            asked += [LogLikelihood(self.unconditional, ending) for ending in endings]
        scores = yield tuple(asked)
        totals = [score.total for score in scores[: len(choices)]]
        record = {
            "correct": credit(totals, target),
            **_normalised(totals, choices, scores, target),
            "predicted": choices[totals.index(max(totals))],
            "target": choices[target],
            "margin": totals[target] - max(t for i, t in enumerate(totals) if i != target),
            "truncated_tokens": max(score.truncated_tokens for score in scores),
            "chance": 1 / len(choices),
        }
        if self.unconditional:
            own = [score.total for score in scores[len(choices) :]]
            relative = [total - alone for total, alone in zip(totals, own, strict=True)]
            record["correct_relative"] = credit(relative, target)
        return record

    def choices_of(self, fields: Mapping[str, Any]) -> list[str]:
        """The choices as texts; raises DataError for fewer than two."""
        if isinstance(self.choices, tuple):
            return choices_of([template.render(text, fields) for text in self.choices])
        return choices_of(Sample("", fields)[self.choices])

    def answer_of(self, fields: Mapping[str, Any]) -> str:
        """The right choice."""
        choices = self.choices_of(fields)
        return choices[target_index(self._answer_value(fields), choices)]

    def _answer_value(self, fields: Mapping[str, Any]) -> Any:
        if "{" in self.answer:
            return template.render(self.answer, fields)
        return Sample("", fields)[self.answer]


def _normalised(
    totals: Sequence[float], choices: Sequence[str], scores: Sequence[Any], target: int
) -> dict[str, float]:
    per_byte = [t / max(1, len(c.encode())) for t, c in zip(totals, choices, strict=True)]
    per_token = [t / max(1, s.n_tokens) for t, s in zip(totals, scores)]
    return {
        "correct_normalised": credit(per_byte, target),
        "correct_per_token": credit(per_token, target),
    }


def choices_of(value: Any) -> list[str]:
    """The choices as texts; raises DataError for anything but a list of two or more."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise DataError(f"choices must be a list of at least two (got {value!r})")
    return [str(choice) for choice in value]


def target_index(answer: Any, choices: Sequence[str]) -> int:
    """The index of the right choice.

    An integer is an index from 0. A text is the choice itself; else an index written out; else a
    letter from A.

    Raises:
        DataError: It is none of these.
    """
    is_index = isinstance(answer, int) and not isinstance(answer, bool)
    if is_index and 0 <= answer < len(choices):
        return int(answer)
    text = str(answer)
    if text in choices:
        return list(choices).index(text)
    if text.isdecimal() and int(text) < len(choices):
        return int(text)
    if len(text) == 1 and 0 <= ord(text.upper()) - ord("A") < len(choices):
        return ord(text.upper()) - ord("A")
    raise DataError(
        f"the answer {answer!r} is no index, letter or text of the choices {', '.join(choices)}"
    )


def credit(scores: Sequence[float], target: int) -> float:
    """1 when the target is highest alone, 1/k when it ties with k - 1 others, else 0."""
    best = max(scores)
    return 1 / list(scores).count(best) if scores[target] == best else 0.0
