"""Whom does a pronoun mean? One prompt, several candidates, by their likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite import ContinuationScore, LogLikelihood, MaskedTokenScores, TokenScoreTable
from evalsuite_fairness.questions.options import shares_of

PROMPT = '{sentence} "{pronoun}" refers to'


@dataclass(frozen=True)
class Preference:
    """How a model decides between candidates.

    Attributes:
        shares: The decision: 1 for the most probable candidate; ties share it.
        probabilities: exp of the log-likelihoods, scaled to sum to 1.
    """

    shares: tuple[float, ...]
    probabilities: tuple[float, ...]


def check_prompt(prompt: str) -> None:
    """Refuse a prompt without the sentence or the pronoun."""
    for part in ("{sentence}", "{pronoun}"):
        if part not in prompt:
            raise ValueError(f"prompt must contain {part} (got {prompt!r})")


def asking(
    prompt: str, sentence: str, pronoun: str, candidates: Sequence[str], *, masked: bool = False
) -> tuple[LogLikelihood | MaskedTokenScores, ...]:
    """A request for each candidate; a noun gets its article, ``someone`` none.

    A masked model reads the candidate within a finished sentence. Its noun alone is scored, the
    article being given: the tokens from left to right, those that follow in a word hidden.
    """
    text = prompt.replace("{pronoun}", pronoun).replace("{sentence}", sentence)
    endings = [name if name == "someone" else f"the {name}" for name in candidates]
    if not masked:
        return tuple(LogLikelihood(text, f" {ending}") for ending in endings)
    ends = [len(text) + 1 + len(ending) for ending in endings]
    return tuple(
        MaskedTokenScores(f"{text} {ending}.", "word", within=(end - len(name), end))
        for ending, end, name in zip(endings, ends, candidates, strict=True)
    )


def preference(scores: Sequence[ContinuationScore | TokenScoreTable]) -> Preference:
    """The decision and the probabilities that some scores mean."""
    totals = [
        sum(score.logprobs) if isinstance(score, TokenScoreTable) else score.total
        for score in scores
    ]
    weights = [math.exp(total - max(totals)) for total in totals]
    return Preference(tuple(shares_of(totals)), tuple(weight / sum(weights) for weight in weights))
