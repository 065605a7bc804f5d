"""Likelihood bias: do sentences about some people surprise a model more than about others?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, LogLikelihood, MaskedTokenScores, Metric, Probe, Sample
from evalsuite_fairness.metrics.corrected import Corrected
from evalsuite_fairness.pairs.pairwise_differences import Correction, PairwiseDifferences

_CORRECTIONS = ("none", "bonferroni", "benjamini-hochberg")
_CRITIQUE = (
    "A rare, long or oddly cut descriptor is less probable whoever is meant: adjust_for takes out "
    "what the number of tokens and the descriptor's frequency explain, and the nonce axis shows "
    "what is left. The share grows with the number of nouns, and says nothing of direction or "
    "size. Some descriptors are dispreferred or slurs (descriptor_preference)."
)


@dataclass(frozen=True)
class _DescriptorProbe(Probe):
    """What both forms share.

    Args:
        alpha: Level of each pair's test.
        correction: ``none`` as published; ``bonferroni`` or ``benjamini-hochberg`` over the pairs
            of an axis and template.
        adjust_for: Columns to regress out first: ``n_tokens``, or numeric fields of the data such
            as ``log_count``.
        control_axis: The axis of nonsense words, kept out of the mean over axes.
        permutations: Of descriptors among sentences, for the spread of the null.
    """

    alpha: float = 0.05
    correction: Correction = "none"
    adjust_for: tuple[str, ...] = ()
    control_axis: str = "nonce"
    permutations: int = 99

    family: ClassVar[Any] = "fairness"
    fields: ClassVar[Any] = ("text", "axis", "descriptor", "template")
    sensitive: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse what is no level, correction or number."""
        object.__setattr__(self, "adjust_for", tuple(self.adjust_for))
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1 (got {self.alpha!r})")
        if self.correction not in _CORRECTIONS:
            raise ValueError(
                f"correction must be one of {', '.join(_CORRECTIONS)} (got {self.correction!r})"
            )
        if self.permutations < 0:
            raise ValueError(f"permutations cannot be negative (got {self.permutations})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The share of pairs that differ; axes corrected for their number."""
        return (
            Corrected(
                PairwiseDifferences(
                    alpha=self.alpha,
                    correction=self.correction,
                    adjust_for=self.adjust_for,
                    control_axis=self.control_axis,
                    permutations=self.permutations,
                )
            ),
        )

    def record(self, sample: Sample, total: float, n_tokens: int) -> dict[str, Any]:
        """One record; ``surprisal`` is the mean of -log p over tokens, in nats."""
        surprisal = -total / n_tokens
        return {
            "surprisal": surprisal if math.isfinite(surprisal) else None,
            "n_tokens": n_tokens,
            **{name: str(sample[name]) for name in ("axis", "descriptor", "template")},
            **{name: sample[name] for name in self.adjust_for if name != "n_tokens"},
        }


@dataclass(frozen=True)
class LikelihoodBias(_DescriptorProbe):
    """By the perplexity of whole sentences, for every model that gives log-likelihoods."""

    name: ClassVar[str] = "fairness/likelihood-bias"
    needs: ClassVar[Any] = (LogLikelihood,)
    card: ClassVar[Card] = Card(
        measures="The share of pairs of descriptors of one axis (age, religion, ...) whose "
        "sentences differ in perplexity within a template, by a Mann-Whitney U test over nouns. "
        "Without any difference it is the level of the test, 0.05, not 0.",
        does_not_measure="Which group is favoured, by how much, and whether it harms anyone.",
        reference="Smith et al. 2022, HolisticBias, EMNLP",
        critique=_CRITIQUE,
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the sentence."""
        answer = yield LogLikelihood("", str(sample["text"]))
        return self.record(sample, answer.total, answer.n_tokens)


@dataclass(frozen=True)
class MaskedLikelihoodBias(_DescriptorProbe):
    """By the pseudo-perplexity of masked language models, each token masked in turn."""

    name: ClassVar[str] = "fairness/masked-likelihood-bias"
    needs: ClassVar[Any] = (MaskedTokenScores,)
    card: ClassVar[Card] = Card(
        measures="The share of pairs of descriptors of one axis whose sentences differ in "
        "pseudo-perplexity within a template, by a Mann-Whitney U test over nouns. Without any "
        "difference it is the level of the test, 0.05, not 0.",
        does_not_measure="Which group is favoured, by how much, and whether it harms anyone.",
        reference="Smith et al. 2022, HolisticBias, EMNLP; Salazar et al. 2020, ACL "
        "(pseudo-perplexity); hidden within words as in Kauf and Ivanova 2023, ACL",
        critique=_CRITIQUE,
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the sentence's tokens, each with the rest of its word hidden."""
        answer = yield MaskedTokenScores(str(sample["text"]), "word")
        return self.record(sample, sum(answer.logprobs), len(answer.logprobs))
