"""Multiple-choice questions about an image or clip: by likelihood or written, in every rotation."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite.answers.choices import LETTERS, chosen_option
from evalsuite.content import Content, as_content
from evalsuite.errors import DataError
from evalsuite.identity import medium_id
from evalsuite.metric import Metric, Null
from evalsuite.probe import Asking, Probe
from evalsuite.request import Generate, LogLikelihood, Request
from evalsuite.source import Sample
from evalsuite.summaries import Proportion

_GUESSING = Null(0.0, why="guessing among the choices")
# A preference for a letter brings this below chance; that is no finding about the images or clips.
_GUESSING_ANEW = Null(0.0, side="above", why="guessing anew in every rotation")


# What one way of asking yields and finds.
_Found = Generator[tuple[Request, ...], Any, Mapping[str, Any]]


@dataclass(frozen=True)
class MultipleChoiceTask(Probe):
    """Base: choose among the given answers of a question about an image or a clip.

    By likelihood, the choices are ranked by log P(choice | image, question), and also by this per
    byte and per token of the choice. By generation, the choices are listed with letters and the
    model writes a letter or an option's words. With ``circular`` the list is shown in every
    rotation, so that each choice stands once at each letter, and a question counts as right where
    every rotation is (CircularEval); by likelihood the letters are then ranked.

    Args:
        delimiter: What stands between the prompt and a choice or a letter.
        by: ``likelihood`` or ``generation``.
        circular: Ask in every rotation of the lettered choices.
        listing: The prompt wherever the choices are lettered; ``{question}`` and ``{options}``,
            the list with one choice in a line, are replaced.
        max_tokens: Longest written answer.

    A subclass says in ``medium`` which field holds the image or clip, and in ``is_blind`` whether
    questions are asked without it.
    """

    delimiter: str = " "
    by: Literal["likelihood", "generation"] = "likelihood"
    circular: bool = False
    listing: str = "{question}\n{options}\nAnswer with the letter of the right option.\nAnswer:"
    max_tokens: int = 16

    medium: ClassVar[Literal["image", "audio"]] = "image"
    family: ClassVar[Any] = "task"

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (self.medium, "question", "choices", "answer")

    @property
    def is_blind(self) -> bool:
        """Whether the question is asked alone."""
        return False

    @property
    def media(self) -> tuple[Literal["image", "audio"], ...]:  # type: ignore[override]
        """The image or clip, where it is shown or played."""
        return () if self.is_blind else (self.medium,)

    def __post_init__(self) -> None:
        """Refuse options that contradict one another."""
        if self.by not in ("likelihood", "generation"):
            raise ValueError(f"by must be likelihood or generation (got {self.by!r})")
        needed = ["{question}"] if self.by == "generation" else ["{question}", "{options}"]
        missing = [mark for mark in needed if mark not in self.listing]
        if missing:
            raise ValueError(f"listing must contain {missing[0]} (got {self.listing!r})")

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """What is asked of the model."""
        return (Generate,) if self.by == "generation" else (LogLikelihood,)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy in the data's own order, and what the options add."""
        found = [self._accuracy("correct", "accuracy", primary=True)]
        if self.by == "likelihood" and not self.circular:
            found.append(self._accuracy("correct_per_byte", "accuracy per byte"))
            found.append(self._accuracy("correct_per_token", "accuracy per token"))
        if self.circular:
            found.append(
                self._accuracy("all_correct", "circular accuracy", "circular_chance", primary=True)
            )
            found.append(self._accuracy("mean_correct", "mean accuracy over rotations"))
        if self.by == "generation":
            found.append(
                Proportion(
                    "unparsed",
                    name="unparsed answers",
                    clusters=f"{self.medium}_id",
                    direction="lower is better",
                )
            )
        return tuple(found)

    def _accuracy(
        self, column: str, name: str, chance: str = "chance", primary: bool = False
    ) -> Metric:
        return Proportion(
            column,
            name=name,
            by="kind",
            clusters=f"{self.medium}_id",
            null=_GUESSING_ANEW if chance == "circular_chance" else _GUESSING,
            chance=chance,
            direction="higher is better",
            primary=primary,
        )

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Ask in one way or another; the record says what was chosen in the data's own order."""
        choices, target = choices_of(sample)
        if self.by == "generation":
            found = yield from self._written(sample, choices, target)
        elif self.circular:
            found = yield from self._letters(sample, choices, target)
        else:
            found = yield from self._likelihoods(sample, choices, target)
        return {
            **found,
            "target": choices[target],
            "chance": 1 / len(choices),
            "kind": sample.get("kind") or "all",
            f"{self.medium}_id": medium_id(sample, self.medium),
        }

    def _likelihoods(self, sample: Sample, choices: Sequence[str], target: int) -> _Found:
        """Rank the choices themselves, by their total score and by shares of it."""
        prompt = self._prompt(sample, str(sample["question"]))
        scores = yield tuple(LogLikelihood(prompt, self.delimiter + choice) for choice in choices)
        totals = [score.total for score in scores]
        sizes = [max(1, len(choice.encode())) for choice in choices]
        tokens = [max(1, score.n_tokens) for score in scores]
        return {
            "correct": credit(totals, target),
            "correct_per_byte": credit([t / n for t, n in zip(totals, sizes)], target),
            "correct_per_token": credit([t / n for t, n in zip(totals, tokens)], target),
            "predicted": choices[totals.index(max(totals))],
            "margin": totals[target] - max(t for i, t in enumerate(totals) if i != target),
        }

    def _letters(self, sample: Sample, choices: Sequence[str], target: int) -> _Found:
        """Rank the letters in every rotation; ties share the credit."""
        n = len(choices)
        scores = yield tuple(
            LogLikelihood(prompt, self.delimiter + letter)
            for prompt in self._rotations(sample, choices)
            for letter in LETTERS[:n]
        )
        rows = [[score.total for score in scores[r * n : (r + 1) * n]] for r in range(n)]
        # In rotation r the choice with index i stands at letter (i - r) mod n.
        earned = [credit(row, (target - r) % n) for r, row in enumerate(rows)]
        first = choices[rows[0].index(max(rows[0]))]
        return {"predicted": first, **_over_rotations(earned, n)}

    def _written(self, sample: Sample, choices: Sequence[str], target: int) -> _Found:
        """Let the model write, and parse strictly; what cannot be parsed is wrong."""
        n = len(choices)
        prompts = self._rotations(sample, choices)
        replies = yield tuple(Generate(prompt, max_tokens=self.max_tokens) for prompt in prompts)
        texts = [reply.text for reply in replies]
        picks = [chosen_option(t, rotated(choices, r)) for r, t in enumerate(texts)]
        chosen = [None if pick is None else (pick + r) % n for r, pick in enumerate(picks)]
        earned = [float(pick == target) for pick in chosen]
        record: dict[str, Any] = {
            "answer": texts[0].strip(),
            "predicted": "" if chosen[0] is None else choices[chosen[0]],
            "unparsed": sum(pick is None for pick in picks) / len(picks),
        }
        return record | (_over_rotations(earned, n) if self.circular else {"correct": earned[0]})

    def _rotations(self, sample: Sample, choices: Sequence[str]) -> list[Content]:
        """The prompt with its list, in every rotation or in the data's own order only."""
        if len(choices) > len(LETTERS):
            raise DataError(f"there are {len(choices)} choices, but only {len(LETTERS)} letters")
        found = []
        for r in range(len(choices) if self.circular else 1):
            lines = [f"{x}. {choice}" for x, choice in zip(LETTERS, rotated(choices, r))]
            text = self.listing.replace("{options}", "\n".join(lines))
            found.append(self._prompt(sample, text.replace("{question}", str(sample["question"]))))
        return found

    def _prompt(self, sample: Sample, text: str) -> Content:
        return as_content(text if self.is_blind else (sample[self.medium], text))


def rotated(choices: Sequence[str], by: int) -> list[str]:
    """The choices with the first ``by`` of them moved to the end."""
    return [*choices[by:], *choices[:by]]


def credit(scores: Sequence[float], target: int) -> float:
    """1 when the target alone is highest, 1/k when it ties with k - 1 others, else 0."""
    best = max(scores)
    return 1 / list(scores).count(best) if scores[target] == best else 0.0


def _over_rotations(earned: Sequence[float], n: int) -> dict[str, float]:
    """Own order, all rotations (ties broken anew in each), their mean, and chance of them all."""
    return {
        "correct": earned[0],
        "all_correct": math.prod(earned),
        "mean_correct": math.fsum(earned) / n,
        "circular_chance": n**-n,
    }


def choices_of(sample: Sample) -> tuple[list[str], int]:
    """The choices as texts and the index of the right one; raises DataError where there is none."""
    value, answer = sample["choices"], sample["answer"]
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise DataError(f"choices must be a list of two or more texts (got {value!r})")
    choices = [str(choice) for choice in value]
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(choices):
        return choices, answer
    if str(answer) in choices:
        return choices, choices.index(str(answer))
    letter = LETTERS.find(str(answer)) if len(str(answer)) == 1 else -1
    if 0 <= letter < len(choices):
        return choices, letter
    raise DataError(
        f"answer must be an index from 0 to {len(choices) - 1}, one of the choices, or its letter "
        f"(got {answer!r}; the choices are {', '.join(choices)})"
    )
