"""Shares of the modalities by gradients: one explanation of question and picture, or clip, at once.

Cheaper than MM-SHAP, which asks a few hundred times for each sample, and another measure: what
moves the answer a little, or along one path, not what it is worth in every company.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Attribute,
    Card,
    LogLikelihood,
    Mean,
    Metric,
    Null,
    Probe,
    Proportion,
    Sample,
    Text,
    UsageError,
)
from evalsuite.answers import choices_of, credit
from evalsuite_explain.explainers.catalogue import GRADIENTS
from evalsuite_explain.inputs.clip import Clip
from evalsuite_explain.inputs.features import Joint, all_present
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.modality.shares import grid_side, text_share
from evalsuite_explain.probes.explaining import ExplainerChoice
from evalsuite_explain.targets import ContinuationScore

_MEASURES = (
    "How much of a gradient explanation of log P(answer | {medium}, question) lies on the words of "
    "the question beside the {cells} of the {medium}, whatever its sign: the sum of the words' "
    "absolute scores in that of all, for the answer that the model chooses."
)
_CRITIQUE = (
    "No MM-SHAP: integrated gradients follow one path, from words that say nothing and a medium at "
    "its mean level. Plain gradients (saliency) are for a unit of a pixel and of an embedding, "
    "which are not alike. Compare models under one explainer."
)
_HALF = Null(0.5, margin=0.05, why="both contribute alike")


@dataclass(frozen=True)
class ImageAnswerGradients(ExplainerChoice, Probe):
    """Do an answer's gradients lie on the question or on the picture?

    Args:
        explainer: One of integrated_gradients, input_x_gradient, saliency, smooth_grad, deep_lift
            and input_magnitude, which is blind to the model.
        settings: The explainer's own.
        after: What stands between the question and an answer; no feature.
        delimiter: What stands before a choice.
    """

    after: str = "\nAnswer:"
    delimiter: str = " "

    media: ClassVar[Any] = ("image",)
    name: ClassVar[str] = "explain/image-answer-gradients"
    family: ClassVar[Any] = "explainability"
    asked: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("image", "question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(medium="image", cells="patches"),
        does_not_measure="What each modality is worth alone, or together with the other.",
        reference="Sundararajan et al. 2017 (integrated gradients); the share as in MM-SHAP's T, "
        "Parcalabescu and Frank 2023",
        critique=_CRITIQUE,
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Mean("gradient_text_share", name="text share of gradients", null=_HALF, primary=True),
        Mean("completeness_error", name="completeness error", direction="lower is better"),
        Proportion(
            "correct",
            name="accuracy",
            chance="chance",
            null=Null(0.0, why="guessing among the choices"),
        ),
    )

    def __post_init__(self) -> None:
        """Refuse explainers that give no score of words and cells in one unit."""
        super().__post_init__()
        fit = [name for name, (where, _) in GRADIENTS.items() if where == "gradients"]
        if self.explainer not in fit:
            raise UsageError(
                f"Shares of gradients need an explainer of words and {self.media[0]} at once: "
                f"{', '.join(fit)} (got {self.explainer!r}). Of explainers that ask for answers, "
                f"see explain/{self.media[0]}-answer-modality."
            )

    def advice(self, lacking: Sequence[str]) -> str:
        """The probe that asks for the same by answers."""
        wants_gradients = list(lacking) == [Attribute.__name__]
        return f"see explain/{self.media[0]}-answer-modality" if wants_gradients else ""

    def cells(self, sample: Sample, n_words: int) -> Any:
        """Patches in the mean colour, about as many as words."""
        return Picture(sample["image"], grid_side(n_words))

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score every choice, then explain the one that is chosen."""
        choices, target = choices_of(sample)
        words = Words(str(sample["question"]))
        features = Joint(self.cells(sample, len(words)), words)
        scored = [ContinuationScore(self.delimiter + c, after=(Text(self.after),)) for c in choices]
        shown = features.showing(all_present(len(features)))
        replies = yield tuple(request for one in scored for request in one.requests(shown))
        scores = [one.score([reply]) for one, reply in zip(scored, replies, strict=True)]
        best = int(np.argmax(scores))
        explained = yield from self.explained(features, scored[best], sample)
        of_cells, of_words = features.split(explained.scores)
        share = text_share(of_words, of_cells)
        return {
            "gradient_text_share": None if math.isnan(share) else share,
            "completeness_error": explained.completeness_error,
            "correct": credit(scores, target),
            "chance": 1 / len(choices),
            "predicted": choices[best],
            "target": choices[target],
            "n_words": len(of_words),
            "n_cells": len(of_cells),
            **features.columns(explained.scores.tolist()),
        }


@dataclass(frozen=True)
class AudioAnswerGradients(ImageAnswerGradients):
    """Do an answer's gradients lie on the question or on the clip?

    Args:
        explainer, settings, after, delimiter: As for pictures.
    """

    media: ClassVar[Any] = ("audio",)
    name: ClassVar[str] = "explain/audio-answer-gradients"
    fields: ClassVar[Any] = ("audio", "question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(medium="clip", cells="moments"),
        does_not_measure="What each modality is worth alone, or together with the other.",
        reference="Sundararajan et al. 2017 (integrated gradients); the share as in MM-SHAP's T, "
        "Parcalabescu and Frank 2023",
        critique=_CRITIQUE,
    )

    def cells(self, sample: Sample, n_words: int) -> Any:
        """Moments at their mean level, as many as words."""
        return Clip(sample["audio"], max(1, n_words))
