"""Is a statement true of an image?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite import Card, DataError, LogLikelihood, Metric, Null, Probe, Proportion, Sample
from evalsuite_vision.metrics.consistency import Consistency
from evalsuite_vision.metrics.macro import MacroMean
from evalsuite_vision.tasks.matching import credit

GUESSING = Null(0.5, why="true or false, guessing")
_LABELS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class TrueFalse(Probe):
    """Compare log P(true) and log P(false) after an image and a statement.

    Args:
        prompt: What follows the image; ``{statement}``, ``{true}`` and ``{false}`` are filled in.
        answers: The words for true and false.
        delimiter: What stands between the prompt and an answer.
        without_image: Ask without the image: what the statement alone gives away.
    """

    prompt: str = "{statement} Is this {true} or {false}?"
    answers: tuple[str, str] = ("true", "false")
    delimiter: str = " "
    without_image: bool = False

    name: ClassVar[str] = "vision/true-false"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("image", "statement", "label")
    card: ClassVar[Card] = Card(
        measures="How often the more probable of the words for true and false is right of an image "
        "and a statement; how often it is for every image that a statement comes with "
        "(consistency); and how often it is the word for true.",
        does_not_measure="What a model would write by itself, and dual encoders, which cannot say "
        "that a statement is false.",
        reference="Suhr et al. 2017, ACL (NLVR); consistency as in Suhr et al. 2019, ACL (NLVR2)",
        critique="A model that always says the more frequent word beats guessing on accuracy, "
        "never on balanced accuracy.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct",
            name="accuracy",
            by="kind",
            clusters="statement",
            null=GUESSING,
            direction="higher is better",
            primary=True,
        ),
        MacroMean(
            "correct",
            "target",
            name="balanced accuracy",
            clusters="statement",
            null=GUESSING,
            direction="higher is better",
        ),
        Consistency("correct", "statement", chance="chance"),
        Proportion("called_true", name="share called true", clusters="statement"),
    )

    @property
    def media(self) -> tuple[Literal["image", "audio"], ...]:  # type: ignore[override]
        """The image, where it is shown."""
        return () if self.without_image else ("image",)

    def __post_init__(self) -> None:
        """Refuse a prompt without a place for the statement, and equal answers."""
        if "{statement}" not in self.prompt:
            raise ValueError(
                f"prompt must hold {{statement}}, the place of the statement (got {self.prompt!r})"
            )
        if self.answers[0] == self.answers[1]:
            raise ValueError(f"answers must be two different words (got {self.answers[0]!r} twice)")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score both words."""
        target = truth_of(sample["label"])
        statement = sample["statement"]
        if not isinstance(statement, str) or not statement.strip():
            raise DataError(f"statement must be a text that is not empty (got {statement!r})")
        prompt = self.prompt.replace("{true}", self.answers[0]).replace("{false}", self.answers[1])
        prompt = prompt.replace("{statement}", statement)
        parts = (prompt,) if self.without_image else (sample["image"], prompt)
        yes, no = yield tuple(LogLikelihood(parts, self.delimiter + word) for word in self.answers)
        called_true = credit(yes.total, [no.total])
        margin = yes.total - no.total
        return {
            "correct": called_true if target else 1 - called_true,
            "called_true": called_true,
            "target": "true" if target else "false",
            "predicted": "tied" if called_true == 0.5 else "true" if called_true else "false",
            "log_odds": margin,
            "probability_of_true": _logistic(margin),
            "statement": statement,
            "kind": str(sample.get("kind") or "all"),
            "chance": 0.5,
        }


def truth_of(label: Any) -> bool:
    """A label as a truth value; raises DataError for anything but true, false, 1 and 0."""
    written = str(int(label) if isinstance(label, bool) else label).strip().lower()
    if written not in _LABELS:
        raise DataError(f"label must be true or false (got {label!r})")
    return _LABELS[written]


def _logistic(log_odds: float) -> float:
    """1 / (1 + exp(-x)), without overflow; NaN where both words are impossible."""
    return 0.5 * (1 + math.tanh(log_odds / 2))
