"""Explanations of text classifiers: faithfulness, and a planted word with a known answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Attribute,
    Attribution,
    Card,
    Classify,
    Failure,
    Mean,
    Metric,
    Null,
    Probe,
    Proportion,
    RequestFailed,
    Sample,
    UsageError,
)
from evalsuite_explain.faithfulness import area_over_perturbation, ranking, top_counts
from evalsuite_explain.gradients import EXPLAINERS

RANDOM_DRAWS = 3


@dataclass(frozen=True)
class _TextExplanation(Probe):
    """Explain the predicted label word by word.

    Args:
        explainer: ``integrated_gradients``, ``input_x_gradient`` or ``saliency``.
        n_steps: Quadrature points of integrated gradients.
    """

    explainer: str = "integrated_gradients"
    n_steps: int = 32

    family: ClassVar[Any] = "explainability"
    needs: ClassVar[Any] = (Classify, Attribute)

    def __post_init__(self) -> None:
        """Refuse an unknown explainer."""
        if self.explainer not in EXPLAINERS:
            known = ", ".join(EXPLAINERS)
            raise UsageError(f"explainer must be one of {known} (got {self.explainer!r}).")

    def attribute(self, text: str, label: str) -> Attribute:
        """The request for scores of a text's tokens."""
        takes_steps = self.explainer == "integrated_gradients"
        options = (("n_steps", self.n_steps),) if takes_steps else ()
        return Attribute(text, label, EXPLAINERS[self.explainer], options)


@dataclass(frozen=True)
class TextFaithfulness(_TextExplanation):
    """Remove the words that an explainer ranks first, or keep only them, and see.

    Words are deleted. A random explainer goes through the same, averaged over three draws.
    """

    name: ClassVar[str] = "explain/text-faithfulness"
    fields: ClassVar[Any] = ("text",)
    card: ClassVar[Card] = Card(
        measures="How much the predicted label's probability falls without the words an explainer "
        "ranks first (comprehensiveness), and with only them (sufficiency), beside a random "
        "explainer on the same texts.",
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
        Mean("sufficiency", name="sufficiency", direction="lower is better"),
        Mean("random_sufficiency", name="sufficiency of a random explainer"),
        Mean("convergence_delta", name="completeness error", direction="lower is better"),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify, attribute, then ask again about perturbed texts."""
        text = str(sample["text"])
        words = words_of(text)
        found = yield Classify(text)
        explained = yield self.attribute(text, found.label)
        scores = word_scores(explained, words)
        rng = np.random.default_rng(int(sample.content_hash[:12], 16))
        orders = [ranking(scores)]
        orders += [rng.permutation(len(words)).tolist() for _ in range(RANDOM_DRAWS)]
        texts = [text for order in orders for text in perturbed_texts(words, order)]
        replies = yield tuple(Classify(text) for text in texts)
        probabilities = [reply.probability(found.label) for reply in replies]
        areas = _areas(found.probability(found.label), probabilities, len(orders))
        comprehensiveness, sufficiency = areas[0]
        random_areas = np.mean(areas[1:], axis=0)
        return {
            "comprehensiveness": comprehensiveness,
            "random_comprehensiveness": float(random_areas[0]),
            "gain": comprehensiveness - float(random_areas[0]),
            "sufficiency": sufficiency,
            "random_sufficiency": float(random_areas[1]),
            "convergence_delta": explained.convergence_delta,
            "predicted": found.label,
            "n_words": len(words),
            "word_scores": as_json(words, scores),
        }


@dataclass(frozen=True)
class ShortcutWord(_TextExplanation):
    """Is the planted word the one that the explainer ranks first?"""

    name: ClassVar[str] = "explain/shortcut-word"
    fields: ClassVar[Any] = ("text", "cue")
    card: ClassVar[Card] = Card(
        measures="How often the word on which a shortcut was planted has the highest score.",
        does_not_measure="Anything about a model of which the shortcut is not known.",
        reference="Adebayo et al. 2020; Bastings et al. 2022 (planted ground truth)",
        critique="A model without the shortcut should put the word at chance or below.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "cue_is_top",
            name="planted word ranked first",
            null=Null(0.0, margin=0.05, side="above", why="a random explainer"),
            chance="chance",
            primary=True,
        ),
        Mean("cue_rank", name="rank of the planted word"),
        Mean("cue_score", name="score of the planted word"),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify, attribute, and look the cue up."""
        text, cue = str(sample["text"]), str(sample["cue"])
        words = words_of(text)
        places = [i for i, (word, _) in enumerate(words) if word == cue]
        if not places:
            raise RequestFailed(Failure("no cue", f"the text does not hold the word {cue!r}"))
        found = yield Classify(text)
        explained = yield self.attribute(text, found.label)
        scores = word_scores(explained, words)
        order = ranking(scores)
        rank = min(order.index(place) for place in places) + 1
        return {
            "cue_is_top": rank == 1,
            "cue_rank": rank,
            "cue_score": max(scores[place] for place in places),
            "chance": len(places) / len(words),
            "predicted": found.label,
            "word_scores": as_json(words, scores),
        }


Word = tuple[str, tuple[int, int]]


def words_of(text: str) -> list[Word]:
    """Words separated by white space, with their character offsets."""
    return [(match.group(), match.span()) for match in re.finditer(r"\S+", text)]


def word_scores(explained: Attribution, words: Sequence[Word]) -> list[float]:
    """The sum of the scores of the tokens that overlap each word; special tokens are left out."""
    totals = [0.0] * len(words)
    for score, (begin, end) in zip(explained.scores, explained.spans, strict=True):
        for index, (_, (first, last)) in enumerate(words):
            if begin < last and end > first:
                totals[index] += score
                break
    return totals


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


def as_json(words: Sequence[Word], scores: Sequence[float]) -> str:
    """``[[word, score], ...]`` for the report."""
    return json.dumps([[word, round(s, 5)] for (word, _), s in zip(words, scores, strict=True)])
