"""Membership inference by likelihood: one answer about each text serves all attacks that fit it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Request, RequestFailed, Sample, SubstituteTokens
from evalsuite.second_model import SecondModel
from evalsuite_privacy.membership import attacks
from evalsuite_privacy.membership.guarded import GuardedProbe
from evalsuite_privacy.membership.neighbours import (
    DrawnNeighbours,
    FilledNeighbours,
    Neighbourhood,
    words_in,
)
from evalsuite_privacy.membership.references import Asked, Reference
from evalsuite_privacy.membership.scored_text import ScoredText

CARD = Card(
    measures="How well a text's likelihood tells whether it was in the training data, beyond "
    "what a classifier can tell that sees the inputs only.",
    does_not_measure="Stronger attacks: a low figure is no proof of privacy.",
    reference="Yeom et al. 2018 (loss; of transcripts Shah et al. 2021); Carlini et al. 2021 "
    "(zlib, lower case, reference); Mattern et al. 2023 (neighbourhood); Shi et al. 2024 (Min-K%); "
    "Zhang et al. 2025 (Min-K%++); Xie et al. 2024 (ReCaLL); Li et al. 2024 (MaxRényi); Das et al. "
    "2024, Blind baselines beat membership inference attacks",
    critique="On a split by date or source any attack measures the split, so a split that a "
    "classifier of the inputs can tell shows nothing here. Low false-positive rates need many "
    "non-members.",
)


@dataclass(frozen=True)
class LikelihoodProbe(GuardedProbe):
    """What membership probes of all kinds of models have; subclasses say how a text is asked for.

    Args:
        k: Share of the tokens that Min-K% averages over.
        lowercase: Also score each text in lower case; one more text to score, where it differs.
        neighbours: Changed copies of each text to score; 0 leaves the attack out.
        changed_share: Share of the words that a copy changes, where these are drawn.
        filler: A masked language model that exchanges one token of each copy for one that it finds
            likely there; words are drawn without one.
        hidden_share: Share of the exchanged token's input vector that the filler does not see.
        reference: A second model, or the directory of a run of this probe with one
            (``RUN#MODEL`` where it had several).
        seed: Of the changed copies.
    """

    k: float = 0.2
    lowercase: bool = False
    neighbours: int = 0
    changed_share: float = 0.1
    filler: str = ""
    hidden_share: float = 0.7
    reference: str = ""
    seed: int = 0

    fields: ClassVar[Any] = ("text", "member")
    card: ClassVar[Card] = CARD
    own_attacks: ClassVar[tuple[str, ...]] = ("loss", "zlib", "min_k")

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if not 0 < self.k <= 1 or not 0 < self.changed_share <= 1:
            raise ValueError("k and changed_share are shares, above 0 and at most 1")
        if not 0 <= self.hidden_share <= 1:
            raise ValueError("hidden_share is a share, from 0 to 1")
        if self.filler and not self.neighbours:
            raise ValueError("a filler needs neighbours: say how many each text gets")

    @property
    def attacks(self) -> tuple[str, ...]:
        """The attacks that the options ask for."""
        more = {
            "lowercase": self.lowercase,
            self._neighbourhood: self.neighbours > 0,
            "reference": bool(self.reference),
        }
        return (*self.own_attacks, *(name for name, is_wanted in more.items() if is_wanted))

    @property
    def _neighbourhood(self) -> str:
        """The attack's name, which says where its neighbours come from."""
        return "filled_neighbourhood" if self.filler else "neighbourhood"

    def request(self, text: str, sample: Sample) -> Request:
        """How the model is asked for a text that stands in a sample's place."""
        raise TypeError(f"{type(self).__name__} does not say how to ask")

    def shown(self, sample: Sample) -> tuple[Any, ...]:
        """What the blind classifier sees: everything that the model is shown."""
        return (str(sample["text"]),)

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Look at the second models before anything is asked; find or prepare neighbours."""
        if self.reference:
            Reference(self.reference).check(*self.needs[:1])
        return self._neighbours_among([str(sample["text"]) for sample in samples])
        yield  # makes this a generator

    def _neighbours_among(self, texts: Sequence[str]) -> Neighbourhood | None:
        if not self.neighbours:
            return None
        if not self.filler:
            return DrawnNeighbours(words_in(texts), self.neighbours, self.changed_share, self.seed)
        model = SecondModel(self.filler)
        model.check(SubstituteTokens)
        return FilledNeighbours.by(
            model, texts, self.neighbours, hidden=self.hidden_share, seed=self.seed
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the text once; then what only further texts can tell."""
        text = str(sample["text"])
        request = self.request(text, sample)
        answer = yield request
        scored = ScoredText.of(answer)
        scores = scored.scores(text, self.k)
        record = {
            **self.beginning(sample, *self.shown(sample)),
            "log_likelihood": scored.total,
            "n_tokens": scored.n_tokens,
            **{name: scores[name] for name in self.own_attacks if name in scores},
            "_asked": Asked(request, sample.content_hash if self.reference else ""),
        }
        yield from self._further(record, scored.mean, sample, context)
        return record

    def _further(self, record: dict[str, Any], mean: float, sample: Sample, near: Any) -> Any:
        """Attacks that score other texts; one that fails costs itself only."""
        text = str(sample["text"])
        if self.lowercase:
            lower = (text.lower(),) if text.lower() != text else ()
            (of_lower,) = (yield from self._means(lower, sample)) or (math.nan,)
            record["lowercase"] = attacks.lowercase_ratio(of_lower, mean)
        if self.neighbours:
            means = yield from self._means(near.of(text), sample)
            record[self._neighbourhood] = attacks.neighbourhood_difference(mean, means)

    def _means(self, texts: Sequence[str], sample: Sample) -> Any:
        """Mean log-probability per token of other texts; none where one was not answered."""
        if not texts:
            return ()
        try:
            answers = yield tuple(self.request(text, sample) for text in texts)
        except RequestFailed:
            return ()
        return tuple(ScoredText.of(answer).mean for answer in answers)

    def scores_of_all(
        self, records: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Sequence[float | None]]:
        """The reference attack's scores, where there is a reference.

        Both sums are divided by the tokens of the model at hand: the ratio of the two likelihoods
        of one text means the same whatever the reference's tokenizer is.
        """
        if not self.reference:
            return {}
        totals = Reference(self.reference).totals([record["_asked"] for record in records])
        scores = []
        for record, total in zip(records, totals, strict=True):
            n = record["n_tokens"] or math.nan
            of_reference = math.nan if total is None else total / n
            own = record["log_likelihood"] / n
            scores.append(attacks.reference_difference(own, of_reference))
        return {"reference": scores}
