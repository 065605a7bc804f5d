"""Do the cells that an explainer ranks first decide a zero-shot class? Deletion and insertion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Card,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Mean,
    Metric,
    Null,
    Sample,
    SimilarityScale,
)
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.inputs.clip import Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.measures.faithfulness import curve_area, ranking
from evalsuite_explain.probes.described import Described, ExplainedClass
from evalsuite_explain.probes.explaining import rng_of_sample

RANDOM_DRAWS = 3

_CURVES: tuple[Metric, ...] = (
    Mean(
        "deletion_gain",
        name="deletion gain over random",
        null=Null(0.0, margin=0.01, side="above", why="no better than a random order"),
        direction="higher is better",
        primary=True,
    ),
    Mean("deletion_area", name="deletion area", direction="lower is better"),
    Mean("insertion_area", name="insertion area", direction="higher is better"),
    Mean("random_deletion_area", name="deletion area in random order"),
)


@dataclass(frozen=True)
class _Curves(ExplainedClass):
    """Base: rank the cells of an input, then take them away cumulatively."""

    explainer: str = "occlusion"

    family: ClassVar[Any] = "explainability"
    metrics: ClassVar[Sequence[Metric]] = _CURVES

    def divided(self, sample: Sample) -> Any:
        """The input as cells."""
        raise TypeError(f"{type(self).__name__} does not divide its input")

    def ask(self, sample: Sample, context: Described) -> Any:
        """Scores first, then the curves of the found order and of random ones."""
        cells = self.divided(sample)
        found = yield from self.explained_class(cells, sample, context)
        n = len(cells)
        rng = rng_of_sample(sample)
        order = ranking(found.explanation.scores)
        orders = [order, *(rng.permutation(n).tolist() for _ in range(RANDOM_DRAWS))]
        deletions = np.array([_without(o[:k], n) for o in orders for k in range(n + 1)])
        insertions = np.array([_without(order[k:], n) for k in range(n + 1)])
        asked = np.vstack([deletions, insertions])
        values = yield from Game(cells, found.target).values(asked)
        curves = values.reshape(len(orders) + 1, n + 1)
        deletion = curve_area(curves[0])
        random_area = float(np.mean([curve_area(curve) for curve in curves[1:-1]]))
        return {
            "deletion_area": deletion,
            "random_deletion_area": random_area,
            "deletion_gain": random_area - deletion,
            "insertion_area": curve_area(curves[-1]),
            "predicted": found.predicted,
            "probability": found.probability,
            **cells.columns(found.explanation.scores.tolist()),
        }


def _without(cells: Sequence[int], n: int) -> Any:
    present = np.ones(n, dtype=bool)
    present[list(cells)] = False
    return present


@dataclass(frozen=True)
class ImageOcclusion(_Curves):
    """Which cells of a picture does its zero-shot class hang on, and is that so?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        explainer: See ExplainerChoice; what ranks the cells.
        settings: The explainer's own.
        grid: Cells on a side.
    """

    grid: int = 4

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "explain/image-occlusion"
    asked: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "label")
    card: ClassVar[Card] = Card(
        measures="How much faster the predicted class's probability falls when cells are covered "
        "in the order occlusion gives than in random order.",
        does_not_measure="Effects of cells together: each was covered alone to find the order.",
        reference="Zeiler and Fergus 2014; Petsiuk et al. 2018, RISE",
        critique="Covered pictures are unlike any the model was trained on.",
    )

    def divided(self, sample: Sample) -> Picture:
        """A grid of cells."""
        return Picture(sample["image"], self.grid)


@dataclass(frozen=True)
class AudioOcclusion(_Curves):
    """Which moments of a clip does its zero-shot class hang on, and is that so?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        explainer: See ExplainerChoice; what ranks the moments.
        settings: The explainer's own.
        segments: Moments a clip is divided into.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)
    segments: int = 8

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "explain/audio-occlusion"
    asked: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label")
    card: ClassVar[Card] = Card(
        measures="How much faster the predicted class's probability falls when moments are "
        "silenced in the order occlusion gives than in random order.",
        does_not_measure="Which frequencies matter, and effects of moments together.",
        reference="Zeiler and Fergus 2014; Petsiuk et al. 2018, RISE",
        critique="A silent gap is itself a sound that a model can react to.",
    )

    def divided(self, sample: Sample) -> Clip:
        """Equal moments."""
        return Clip(sample["audio"], self.segments)
