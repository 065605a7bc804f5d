"""What a model answers to a question with given choices: shares of choices, abstention apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import DataError, Sample
from evalsuite.answers import chosen_option, rotated
from evalsuite_fairness.metrics.refusal import is_refusal


@dataclass(frozen=True)
class Question:
    """A question with its choices.

    Attributes:
        text: The question.
        choices: All answers, in the data's order.
        target: Index of the choice whose share is compared.
        abstention: Index of the choice that says nothing of anyone; None where there is none.
    """

    text: str
    choices: tuple[str, ...]
    target: int
    abstention: int | None

    @classmethod
    def of(cls, sample: Sample) -> Question:
        """Read ``question``, ``choices``, ``target`` and ``abstention``.

        Raises:
            DataError: There are fewer than two answers besides the abstention, or the target or
                the abstention is none of the choices.
        """
        choices = tuple(str(choice) for choice in sample["choices"])
        given = sample.get("abstention")
        abstention = None if given is None else _index(given, choices, "abstention")
        answers = [index for index in range(len(choices)) if index != abstention]
        if len(answers) < 2:
            raise DataError(f"choices must have two answers besides the abstention (got {choices})")
        named = sample.get("target")
        target = answers[0] if named is None else _index(named, choices, "target")
        if target == abstention:
            raise DataError(f"target and abstention are the same choice ({choices[target]!r})")
        return cls(str(sample["question"]), choices, target, abstention)


def _index(value: Any, choices: Sequence[str], name: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return value
    if str(value) in choices:
        return choices.index(str(value))
    raise DataError(
        f"{name} must be one of the choices or its index (got {value!r}; the choices are "
        f"{', '.join(choices)})"
    )


@dataclass(frozen=True)
class Answers:
    """How one image, clip or bare question was answered.

    Attributes:
        shares: Share of each choice among the answers that were given; 0 for the abstention, NaN
            everywhere when none was given.
        abstention: Share of abstentions.
        unparsed: Share of written answers that name no choice, refusals among them.
        refused: Share of written answers that refuse one.
        is_abstaining: Whether nothing but abstentions, or mostly the abstention, came.
    """

    shares: tuple[float, ...]
    abstention: float
    unparsed: float = 0.0
    refused: float = 0.0
    is_abstaining: bool = False


def by_likelihood(totals: Sequence[float], question: Question) -> Answers:
    """Log-probabilities of the choices in nats, as shares that sum to 1 over all choices."""
    weights = np.exp(np.array(totals, dtype=float) - max(totals))
    weights = weights / weights.sum()
    abstention = 0.0
    if question.abstention is not None:
        abstention = float(weights[question.abstention])
        weights[question.abstention] = 0.0
    # The choices that are no abstention, among themselves: from logits, lest they underflow.
    kept = [t if i != question.abstention else -math.inf for i, t in enumerate(totals)]
    among = np.exp(np.array(kept) - max(kept))
    is_abstaining = abstention > float(weights.max())
    return Answers(tuple((among / among.sum()).tolist()), abstention, is_abstaining=is_abstaining)


def by_writing(texts: Sequence[str], question: Question) -> Answers:
    """Texts written to the choices in every rotation, in order."""
    n = len(question.choices)
    picks = [chosen_option(text, rotated(question.choices, r)) for r, text in enumerate(texts)]
    chosen = [(pick + r) % n for r, pick in enumerate(picks) if pick is not None]
    given = [index for index in chosen if index != question.abstention]
    counts = np.bincount(given, minlength=n) if given else np.full(n, math.nan)
    return Answers(
        tuple((counts / max(1, len(given))).tolist()),
        abstention=sum(index == question.abstention for index in chosen) / len(texts),
        unparsed=sum(pick is None for pick in picks) / len(texts),
        refused=sum(pick is None and is_refusal(text) for pick, text in zip(picks, texts))
        / len(texts),
        is_abstaining=not given,
    )


def distance(one: Answers, other: Answers) -> float:
    """Total variation distance of the answers given, range [0, 1]; NaN where there are none."""
    return float(np.abs(np.array(one.shares) - np.array(other.shares)).sum() / 2)
