"""Multiple choice by the log-likelihood of each choice after the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, DataError, LogLikelihood, Metric, Null, Probe, Proportion, Sample

# The value is the mean of the records' own chance levels, 1 / number of choices.
GUESSING = Null(0.0, why="guessing among the choices")


@dataclass(frozen=True)
class MultipleChoice(Probe):
    """Rank the choices of a question by log P(choice | question).

    Args:
        template: The context; ``{question}`` is replaced by the field.
        delimiter: What stands between context and choice.
    """

    template: str = "{question}"
    delimiter: str = " "

    name: ClassVar[str] = "text/multiple-choice"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures="How often the most probable of the given choices is the right one; once by "
        "total log-likelihood, once by log-likelihood per byte of the choice.",
        does_not_measure="Whether the model would write that answer by itself.",
        reference="Brown et al. 2020, section 2.4; per byte as in lm-evaluation-harness's "
        "acc_bytes (its acc_norm divides by characters)",
        critique="Total likelihood favours short choices, likelihood per byte long ones.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct",
            name="accuracy",
            null=GUESSING,
            chance="chance",
            direction="higher is better",
            primary=True,
        ),
        Proportion(
            "correct_normalised",
            name="accuracy per byte",
            null=GUESSING,
            chance="chance",
            direction="higher is better",
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a template that leaves the question out."""
        if "{question}" not in self.template:
            raise ValueError(f"template must contain {{question}} (got {self.template!r})")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score every choice; ties share the credit."""
        choices = choices_of(sample["choices"])
        target = target_index(sample["answer"], choices)
        prompt = self.template.replace("{question}", str(sample["question"]))
        scores = yield tuple(LogLikelihood(prompt, self.delimiter + choice) for choice in choices)
        totals = [score.total for score in scores]
        per_byte = [t / max(1, len(c.encode())) for t, c in zip(totals, choices, strict=True)]
        return {
            "correct": credit(totals, target),
            "correct_normalised": credit(per_byte, target),
            "predicted": choices[totals.index(max(totals))],
            "target": choices[target],
            "margin": totals[target] - max(t for i, t in enumerate(totals) if i != target),
            "truncated_tokens": max(score.truncated_tokens for score in scores),
            "chance": 1 / len(choices),
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
