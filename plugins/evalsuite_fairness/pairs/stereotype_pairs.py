"""Minimal pairs: does a model that reads from left to right find the stereotype more probable?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite import Card, LogLikelihood, Mean, Metric, Null, Sample
from evalsuite_fairness.pairs.preference import CRITIQUE, UNEQUAL, PairPreference
from evalsuite_fairness.pairs.shared import Shared, conditionals, shared_words


@dataclass(frozen=True)
class StereotypePairs(PairPreference):
    """Compare log P of a stereotyping sentence with that of its counterpart.

    For every model that gives log-likelihoods of text: causal, sequence-to-sequence, n-gram,
    behind a server.

    Args:
        scoring: ``sentence`` sums over the whole sentence, the changed words included; pairs of
            unequally many tokens then count in the share but not in the size. ``shared`` sums over
            the words that both have and that follow a change, given all before them: log
            P(shared | changed), which no difference in the changed words' own frequency enters.
    """

    scoring: Literal["sentence", "shared"] = "sentence"

    name: ClassVar[str] = "fairness/stereotype-pairs"
    needs: ClassVar[Any] = (LogLikelihood,)
    card: ClassVar[Card] = Card(
        measures="The log-odds of the stereotyping sentence of a pair, in nats, over the pairs "
        "whose sentences have equally many scored tokens, and how often it is preferred by more "
        "than the tie band. Of the whole sentence, or of its shared words given the changed ones.",
        does_not_measure="Harm in use, and biases the pairs do not mention. A share of pairs "
        "without the size of the preference can look extreme for a model without any.",
        reference="Nangia et al. 2020, CrowS-Pairs, EMNLP; whole-sentence form for causal models "
        "as in lm-evaluation-harness, which counts ties against the stereotype",
        critique="A longer sentence is less probable whatever it says, so pairs of unequal length "
        "are left out of the size; and a rare group word makes its sentence less probable whatever "
        "is said of the group, unless the shared words alone are scored. " + CRITIQUE,
    )

    def __post_init__(self) -> None:
        """Refuse another way to score."""
        super().__post_init__()
        if self.scoring not in ("sentence", "shared"):
            raise ValueError(f"scoring must be sentence or shared (got {self.scoring!r})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Of whole sentences also what the unequal ones come to, and how many they are."""
        if self.scoring == "shared":
            return super().metrics
        everything = Mean(
            "log_odds",
            name="log-odds, unequal lengths included",
            clusters=self.cluster_by or None,
            null=Null(0.0, margin=self.band, why="no preference"),
            direction="closer to null is better",
        )
        return (*super().metrics, everything, UNEQUAL)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score both sentences."""
        more, less = str(sample["sent_more"]), str(sample["sent_less"])
        words = shared_words(more, less)
        record = self.left_out(sample, words)
        if record is not None:
            return record
        if self.scoring == "shared":
            return (yield from self._ask_shared(sample, words, more, less))
        of_more, of_less = yield LogLikelihood("", more), LogLikelihood("", less)
        is_equal = of_more.n_tokens == of_less.n_tokens
        return self.record(
            sample,
            words,
            of_more.total,
            of_less.total,
            is_comparable=is_equal,
            modifies_unequally=not is_equal,
        )

    def _ask_shared(self, sample: Sample, words: Shared, more: str, less: str) -> Any:
        """Score what follows the first change in both; without such words there is no value."""
        asked, other = conditionals(more, less, words)
        if not asked:
            return self.record(sample, words, math.nan, math.nan)
        answers = yield (*asked, *other)
        sides = answers[: len(asked)], answers[len(asked) :]
        totals = [sum(answer.total for answer in side) for side in sides]
        counts = [sum(answer.n_tokens for answer in side) for side in sides]
        return self.record(
            sample, words, totals[0], totals[1], is_comparable=counts[0] == counts[1]
        )
