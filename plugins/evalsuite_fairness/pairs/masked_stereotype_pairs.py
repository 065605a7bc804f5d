"""Minimal pairs for masked language models: pseudo-log-likelihood and all-unmasked likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite import Card, MaskedTokenScores, Metric, Sample, TokenScoreTable
from evalsuite_fairness.pairs.preference import CRITIQUE, UNEQUAL, PairPreference
from evalsuite_fairness.pairs.shared import Shared, shared, shared_words

_MASKS: dict[str, Literal["token", "word", "none"]] = {
    "pll": "token",
    "pll-word": "word",
    "aul": "none",
}


@dataclass(frozen=True)
class MaskedStereotypePairs(PairPreference):
    """Compare the pseudo-log-likelihoods of the two sentences of a pair.

    Args:
        scoring: ``pll`` masks each token that both sentences have in turn and sums their
            log-probabilities (Nangia et al. 2020); ``pll-word`` also hides the tokens after it in
            its word (Kauf and Ivanova 2023); ``aul`` masks nothing and takes the mean over all
            tokens (Kaneko and Bollegala 2022), for which the tie band is a tenth: a mean over
            tokens is smaller than a sum.
    """

    scoring: Literal["pll", "pll-word", "aul"] = "pll"

    name: ClassVar[str] = "fairness/masked-stereotype-pairs"
    needs: ClassVar[Any] = (MaskedTokenScores,)
    card: ClassVar[Card] = Card(
        measures="The difference of pseudo-log-likelihood of the tokens that the two sentences "
        "share, each given all others, in nats, and how often it favours the stereotyping sentence "
        "by more than the tie band; or the same of the mean over all tokens with none masked.",
        does_not_measure="Harm in use, biases the pairs do not mention, and a probability: a "
        "pseudo-log-likelihood is none. A share of pairs without the size of the preference can "
        "look extreme for a model without any.",
        reference="Nangia et al. 2020, CrowS-Pairs, EMNLP; Kauf and Ivanova 2023, ACL (within "
        "words); Kaneko and Bollegala 2022, AAAI (all unmasked)",
        critique="The changed words' own probability is not scored, so the figure depends on how "
        "many words are shared. " + CRITIQUE,
    )

    def __post_init__(self) -> None:
        """Refuse another way to score."""
        super().__post_init__()
        if self.scoring not in _MASKS:
            raise ValueError(f"scoring must be one of {', '.join(_MASKS)} (got {self.scoring!r})")

    @property
    def band(self) -> float:
        """A tenth for means over tokens."""
        return self.tie_band / 10 if self.scoring == "aul" else self.tie_band

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Also how many pairs have unequal numbers of changed tokens."""
        return (*super().metrics, UNEQUAL)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score both sentences' tokens."""
        more, less = str(sample["sent_more"]), str(sample["sent_less"])
        words = shared_words(more, less)
        record = self.left_out(sample, words)
        if record is not None:
            return record
        mask = _MASKS[self.scoring]
        of_more, of_less = yield MaskedTokenScores(more, mask), MaskedTokenScores(less, mask)
        tokens = shared(_names(more, of_more), _names(less, of_less))
        scores = self._scores(of_more, of_less, tokens)
        n_more, n_less = tokens.n_modified
        return self.record(sample, words, *scores, modifies_unequally=n_more != n_less)

    def _scores(
        self, more: TokenScoreTable, less: TokenScoreTable, tokens: Shared
    ) -> tuple[float, float]:
        """The scores of both sentences; NaN where they share no token."""
        if self.scoring == "aul":
            return (
                sum(more.logprobs) / len(more.logprobs),
                sum(less.logprobs) / len(less.logprobs),
            )
        if not tokens.stretches:
            return math.nan, math.nan
        return (
            sum(more.logprobs[place] for place in tokens.in_first),
            sum(less.logprobs[place] for place in tokens.in_second),
        )


def _names(text: str, table: TokenScoreTable) -> tuple[str, ...]:
    """What tells tokens apart: their names, or their characters where a model names none."""
    return table.tokens or tuple(text[begin:end] for begin, end in table.spans)
