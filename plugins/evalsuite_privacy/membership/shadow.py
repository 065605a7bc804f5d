"""Membership by comparison with reference models of which one knows what they were trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, Sample, TokenScores
from evalsuite.text_lists import listed
from evalsuite_privacy.membership.guarded import GuardedProbe
from evalsuite_privacy.membership.members import is_member
from evalsuite_privacy.membership.reference_attacks import (
    lira_offline,
    lira_online,
    logit_confidence,
    mean_probability_offline,
    mean_probability_online,
    rmia,
)
from evalsuite_privacy.membership.references import Asked, Reference
from evalsuite_privacy.membership.scored_text import ScoredText

ATTACKS = ("lira_online", "lira_offline", "rmia_online", "rmia_offline")


@dataclass(frozen=True)
class ReferenceModelMembership(GuardedProbe):
    """LiRA and RMIA with reference models trained on known parts of the data.

    A sample's field ``trained_on`` names the references that were trained on it; a sample whose
    field ``population`` is true is no part of the test, but what RMIA compares with. Both attacks
    are made online (with references that saw a sample and others that did not; for RMIA also of
    the population) and offline (with the others alone), wherever these are at hand.

    Args:
        references: Name of each reference, and what it is: a model, or the directory of a run of
            a membership probe with it (``RUN#MODEL`` where it had several).
        shared_deviation: Pool LiRA's deviations over all samples; steadier with few references.
        gamma: RMIA's margin, at least 1.
        a: Offline RMIA's guess of how strongly models remember; 1 is not at all, and fits language
            models: a token's probability is small, and the guess (1 - a)/2 would drown it.
    """

    references: Mapping[str, str] = field(default_factory=dict)
    shared_deviation: bool = False
    gamma: float = 2.0
    a: float = 1.0

    name: ClassVar[str] = "privacy/reference-model-membership"
    needs: ClassVar[Any] = (TokenScores,)
    fields: ClassVar[Any] = ("text", "member")
    card: ClassVar[Card] = Card(
        measures="How well texts of the training data can be told by comparing their likelihood "
        "with that under reference models trained with and without them.",
        does_not_measure="Attackers with more or better references.",
        reference="Carlini et al. 2022, Membership inference attacks from first principles; "
        "Zarifzadeh et al. 2024, Low-cost high-power membership inference attacks",
        critique="References must be trained as the model was, on data of the same kind; with few "
        "of them LiRA's deviations are rough.",
    )

    def __post_init__(self) -> None:
        """Refuse fewer than two references, and numbers outside their range."""
        if len(self.references) < 2:
            raise ValueError("references must name two models or more, as {name: model or run}")
        if self.gamma < 1 or not 0 <= self.a <= 1:
            raise ValueError("gamma must be at least 1, and a between 0 and 1")

    @property
    def attacks(self) -> tuple[str, ...]:
        """All of them."""
        return ATTACKS

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Look at every reference before anything is asked."""
        for name in self.references.values():
            Reference(name).check(TokenScores)
        return None
        yield  # makes this a generator

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the text under the model at hand."""
        text = str(sample["text"])
        request = TokenScores(text)
        scored = ScoredText.of((yield request))
        trained_on = self._trained_on(sample)
        return {
            **self.beginning(sample, text),
            "is_population": bool(sample.get("population")) and is_member(sample["population"]),
            "log_likelihood": scored.total,
            "n_tokens": scored.n_tokens,
            "_inside": [name in trained_on for name in self.references],
            "_asked": Asked(request, sample.content_hash),
        }

    def _trained_on(self, sample: Sample) -> set[str]:
        told = sample.get("trained_on") or []
        names = set(told if isinstance(told, list | tuple) else listed(told, "trained_on"))
        unknown = names - set(self.references)
        if unknown:
            raise ValueError(
                f"trained_on names {', '.join(sorted(map(str, unknown)))}; the references are "
                f"{', '.join(self.references)}"
            )
        return names

    def scores_of_all(
        self, records: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Sequence[float | None]]:
        """Ask or read the references, and attack; the population has no score."""
        asked = [record["_asked"] for record in records]
        n_tokens = np.array([record["n_tokens"] for record in records], dtype=float)
        totals = [Reference(name).totals(asked) for name in self.references.values()]
        by_model = np.array(totals, dtype=float).T / n_tokens[:, None]
        own = np.array([record["log_likelihood"] for record in records]) / n_tokens
        inside = np.array([record["_inside"] for record in records], dtype=bool)
        population = np.array([record["is_population"] for record in records], dtype=bool)
        scores = self._attack(own, by_model, inside, population)
        return {
            name: np.where(population, math.nan, values).tolist() for name, values in scores.items()
        }

    def _attack(
        self,
        own: npt.NDArray[np.float64],
        by_model: npt.NDArray[np.float64],
        inside: npt.NDArray[np.bool_],
        population: npt.NDArray[np.bool_],
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Every attack's scores, (n,), from mean log-probabilities per token."""
        phi, of_models = logit_confidence(own), logit_confidence(by_model)
        shared = self.shared_deviation
        online = np.exp(own) / mean_probability_online(np.exp(by_model), inside)
        offline = np.exp(own) / mean_probability_offline(np.exp(by_model), inside, self.a)
        return {
            "lira_online": lira_online(phi, of_models, inside, shared_deviation=shared),
            "lira_offline": lira_offline(phi, of_models, inside, shared_deviation=shared),
            "rmia_online": rmia(online, online[population], self.gamma),
            "rmia_offline": rmia(offline, offline[population], self.gamma),
        }

    def blind(
        self, records: Sequence[Mapping[str, Any]], rng: np.random.Generator
    ) -> Sequence[float]:
        """Blind scores of the samples under test; NaN for the population."""
        tested = [i for i, record in enumerate(records) if not record["is_population"]]
        scores = [math.nan] * len(records)
        found = super().blind([records[i] for i in tested], rng)
        for i, score in zip(tested, found, strict=True):
            scores[i] = score
        return scores
