"""Multiple choice by letters: the choices stand in the prompt, their letters are scored."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Card,
    Estimate,
    LogLikelihood,
    Mean,
    Metric,
    Null,
    Proportion,
    Sample,
    Table,
    undefined,
)
from evalsuite.statistics import bootstrap_interval
from evalsuite.template import LETTERS
from evalsuite_text.prompted.choice import GUESSING, MultipleChoice, credit, target_index
from evalsuite_text.prompted.examples import Examples

# Where a sample whose choices were moved carries them.
MOVED = "choices in another order"
LISTED = "{{ question }}\n{{ options }}\nAnswer:"


@dataclass(frozen=True)
class LetterChoice(MultipleChoice):
    """List the choices with letters and rank the letters by log P(letter | question and list).

    Args:
        prompt: Template; ``{{ options }}`` is the list, one choice in a line.
        option: How a choice is listed; ``{letter}`` and ``{choice}`` are replaced.
        cyclic: Ask in every rotation of the choices, so that each stands once at each letter;
            without it, in the data's own order only.
    """

    prompt: str = LISTED
    option: str = "{letter}. {choice}"
    cyclic: bool = False

    name: ClassVar[str] = "text/letter-choice"
    card: ClassVar[Card] = Card(
        measures="How often the letter of the right choice is the most probable; in every "
        "rotation of the choices also how often all rotations agree, and how much the model "
        "prefers a letter for its place.",
        does_not_measure="Knowledge of a model that cannot read a list of options: small models "
        "answer by letter at chance what they answer well by likelihood of the choice.",
        reference="Hendrycks et al. 2021 (letters); Zheng et al. 2024, ICLR (position bias and "
        "rotations)",
    )

    def __post_init__(self) -> None:
        """Refuse prompts that do not list the choices."""
        super().__post_init__()
        for text in (self.prompt, *self.other_prompts):
            if "options" not in text:
                raise ValueError(f"the prompt must contain {{{{ options }}}} (got {text!r})")

    @property
    def own_metrics(self) -> Sequence[Metric]:
        """Accuracy, and over rotations consistency and position bias."""
        accuracy = Proportion(
            "correct",
            name="accuracy",
            clusters=self.clusters,
            null=GUESSING,
            chance="chance",
            direction="higher is better",
            primary=True,
        )
        if not self.cyclic:
            return (accuracy,)
        consistent = Mean(
            "all_correct",
            name="right in every order",
            clusters=self.clusters,
            direction="higher is better",
        )
        same = Mean(
            "same_choice",
            name="same choice in every order",
            clusters=self.clusters,
            direction="higher is better",
        )
        return accuracy, consistent, same, PositionBias(self.clusters)

    def question_of(self, fields: Mapping[str, Any], prompt: str) -> str:
        """The question with its list of options."""
        listed = "\n".join(
            self.option.replace("{letter}", letter).replace("{choice}", choice)
            for letter, choice in zip(LETTERS, fields.get(MOVED) or self.choices_of(fields))
        )
        return super().question_of({**fields, "options": listed}, prompt)

    def answer_of(self, fields: Mapping[str, Any]) -> str:
        """The letter of the right choice."""
        return LETTERS[target_index(self._answer_value(fields), self.choices_of(fields))]

    def ask_once(self, sample: Sample, prompt: str, examples: Examples) -> Generator[Any, Any, Any]:
        """Score the letters in each order of the choices."""
        choices = self.choices_of(sample.fields)
        target = target_index(self._answer_value(sample.fields), choices)
        n = len(choices)
        letters = [self.delimiter + letter for letter in LETTERS[:n]]
        rotations = range(n if self.cyclic else 1)
        rotated = [self._rotated(sample, choices, r) for r in rotations]
        contents = [
            self.content(each, self.question_of(each.fields, prompt), prompt, examples)
            for each in rotated
        ]
        scores = yield tuple(LogLikelihood(c, letter) for c in contents for letter in letters)
        totals = [[s.total for s in scores[r * n : (r + 1) * n]] for r in rotations]
        # In rotation r, the choice with index i stands at letter (i - r) mod n.
        credited = [credit(totals[r], (target - r) % n) for r in rotations]
        picks = [total.index(max(total)) for total in totals]
        chosen = [(pick + r) % n for pick, r in zip(picks, rotations)]
        record = {
            "correct": sum(credited) / len(credited),
            "predicted": choices[chosen[0]],
            "target": choices[target],
            "truncated_tokens": max(score.truncated_tokens for score in scores),
            "chance": 1 / n,
            "n_choices": n,
        }
        if self.cyclic:
            record["all_correct"] = float(min(credited) == 1)
            record["same_choice"] = float(len(set(chosen)) == 1)
        return record | {f"picked_{LETTERS[i]}": picks.count(i) for i in range(n)}

    def _rotated(self, sample: Sample, choices: Sequence[str], by: int) -> Sample:
        """The sample with its choices moved ``by`` places to the front."""
        moved = [*choices[by:], *choices[:by]]
        return Sample(sample.id, {**sample.fields, MOVED: moved}) if by else sample


@dataclass(frozen=True)
class PositionBias:
    """Distance of the letters that a model picks from picking all equally often.

    Half the sum of |share of picks - 1/k| over letters, over all rotations, so that the right
    choice stands everywhere equally often; range [0, 1 - 1/k], 0 is unbiased, lower is better.
    Of samples with the most common number of choices. Undefined without samples.

    Attributes:
        clusters: Column of the resampling unit.
    """

    clusters: str | None = None
    name: str = "position bias"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        sizes = table.numbers("n_choices")
        if not len(sizes):
            return [undefined(self.name, "no sample was answered")]
        values, counts = np.unique(sizes, return_counts=True)
        n = int(values[counts.argmax()])
        kept = sizes == n
        picks = np.stack([table.numbers(f"picked_{letter}")[kept] for letter in LETTERS[:n]], 1)
        clusters = None
        if self.clusters and self.clusters in table.columns:
            clusters = np.array([str(item) for item in table[self.clusters]])[kept]

        def distance(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
            totals = weights @ rows
            return np.abs(totals / totals.sum(-1, keepdims=True) - 1 / n).sum(-1) / 2

        interval = bootstrap_interval(picks, distance, clusters=clusters, rng=rng)
        return [
            Estimate(
                self.name,
                float(distance(picks, np.ones((1, len(picks))))[0]),
                interval.low,
                interval.high,
                level=interval.level,
                method=interval.described,
                unit=self.clusters or "sample",
                n=len(picks),
                direction="lower is better",
                null=Null(0.0, margin=0.05, side="above", why="every letter equally often"),
                extra={"choices": float(n)},
            )
        ]
