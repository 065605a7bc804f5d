"""Faithfulness of explanations of text classifiers: erase what matters, and see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Classify, Mean, Metric, Null, Probe, Sample
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.words import Word, Words
from evalsuite_explain.measures.faithfulness import area_over_perturbation, ranking, top_counts
from evalsuite_explain.probes.explaining import ExplainerChoice, rng_of_sample
from evalsuite_explain.targets import log_odds_of

RANDOM_DRAWS = 3


@dataclass(frozen=True)
class TextFaithfulness(ExplainerChoice, Probe):
    """Remove the words that an explainer ranks first, or keep only them, and see.

    Words are deleted. A random explainer, averaged over three draws, and occlusion go through the
    same.

    Args:
        explainer: See ExplainerChoice.
        settings: The explainer's own.
    """

    name: ClassVar[str] = "explain/text-faithfulness"
    family: ClassVar[Any] = "explainability"
    asked: ClassVar[Any] = (Classify,)
    fields: ClassVar[Any] = ("text",)
    card: ClassVar[Card] = Card(
        measures="How much the predicted label's probability falls without the words an explainer "
        "ranks first (comprehensiveness), and with only them (sufficiency), beside a random "
        "explainer and occlusion on the same texts.",
        does_not_measure="Whether people find the explanation plausible. Areas compare explainers "
        "on one model, not models with flatter or steeper outputs.",
        reference="DeYoung et al. 2020, ERASER, ACL; Sundararajan et al. 2017",
        critique="Texts with deleted words are unlike any the model was trained on.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Mean(
            "gain",
            name="comprehensiveness over random",
            null=Null(0.0, margin=0.01, side="above", why="no better than a random explainer"),
            direction="higher is better",
            primary=True,
        ),
        Mean("comprehensiveness", name="comprehensiveness", direction="higher is better"),
        Mean("random_comprehensiveness", name="comprehensiveness of a random explainer"),
        Mean("occlusion_comprehensiveness", name="comprehensiveness of occlusion"),
        Mean("at_1", name="comprehensiveness at 1 %", direction="higher is better"),
        Mean("random_at_1", name="comprehensiveness at 1 % of a random explainer"),
        Mean("sufficiency", name="sufficiency", direction="lower is better"),
        Mean("random_sufficiency", name="sufficiency of a random explainer"),
        Mean("occlusion_sufficiency", name="sufficiency of occlusion"),
        Mean("convergence_delta", name="completeness error", direction="lower is better"),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify, attribute, then ask again about perturbed texts."""
        text = str(sample["text"])
        divided = Words(text)
        words = divided.words
        found = yield Classify(text)
        target = log_odds_of(found)
        explained = yield from self.explained(divided, target, sample)
        scores = explained.scores.tolist()
        rng = rng_of_sample(sample)
        oracle = yield from Occlusion().explain(Game(divided, target), rng)
        orders = [ranking(scores), ranking(oracle.scores)]
        orders += [rng.permutation(len(words)).tolist() for _ in range(RANDOM_DRAWS)]
        texts = [text for order in orders for text in perturbed_texts(words, order)]
        replies = yield tuple(Classify(text) for text in texts)
        probabilities = [reply.probability(found.label) for reply in replies]
        full = found.probability(found.label)
        areas = _areas(full, probabilities, len(orders))
        comprehensiveness, sufficiency = areas[0]
        random_areas = np.mean(areas[2:], axis=0)
        at_one = full - np.array(probabilities).reshape(len(orders), -1)[:, 0]
        return {
            "comprehensiveness": comprehensiveness,
            "random_comprehensiveness": float(random_areas[0]),
            "occlusion_comprehensiveness": areas[1][0],
            "gain": comprehensiveness - float(random_areas[0]),
            "at_1": float(at_one[0]),
            "random_at_1": float(at_one[2:].mean()),
            "sufficiency": sufficiency,
            "random_sufficiency": float(random_areas[1]),
            "occlusion_sufficiency": areas[1][1],
            "convergence_delta": explained.completeness_error,
            "predicted": found.label,
            "n_words": len(words),
            **divided.columns(scores),
        }


def perturbed_texts(words: Sequence[Word], order: Sequence[int]) -> list[str]:
    """For each fraction the text without the top words, then the text of only those."""
    texts = []
    for count in top_counts(len(words)):
        top = set(order[:count])
        texts.append(" ".join(word for i, (word, _) in enumerate(words) if i not in top))
        texts.append(" ".join(word for i, (word, _) in enumerate(words) if i in top))
    return texts


def _areas(full: float, probabilities: Sequence[float], n_orders: int) -> list[tuple[float, float]]:
    """(comprehensiveness, sufficiency) of each order; replies alternate between the two."""
    width = len(probabilities) // n_orders
    parts = [probabilities[i * width : (i + 1) * width] for i in range(n_orders)]
    return [
        (area_over_perturbation(full, part[0::2]), area_over_perturbation(full, part[1::2]))
        for part in parts
    ]
