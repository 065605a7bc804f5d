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
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.clip import FILLS, Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.measures.bounds import steps_of
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
    Mean(
        "insertion_gain",
        name="insertion gain over random",
        null=Null(0.0, margin=0.01, side="above", why="no better than a random order"),
        direction="higher is better",
    ),
    Mean("deletion_area", name="deletion area", direction="lower is better"),
    Mean("insertion_area", name="insertion area", direction="higher is better"),
    Mean("random_deletion_area", name="deletion area in random order"),
    Mean("random_insertion_area", name="insertion area in random order"),
    Mean("occlusion_deletion_area", name="deletion area in the order of occlusion"),
    Mean("occlusion_insertion_area", name="insertion area in the order of occlusion"),
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
        game = Game(cells, found.target)
        oracle = yield from Occlusion().explain(game, rng)
        orders = [ranking(found.explanation.scores), ranking(oracle.scores)]
        orders += [rng.permutation(n).tolist() for _ in range(RANDOM_DRAWS)]
        deletions = np.stack([steps_of(order) for order in orders])
        values = yield from game.values(np.vstack([*deletions, *~deletions]))
        curves = values.reshape(2, len(orders), n + 1)
        deletion, insertion = np.array([[curve_area(c) for c in kind] for kind in curves])
        return {
            "deletion_area": float(deletion[0]),
            "occlusion_deletion_area": float(deletion[1]),
            "random_deletion_area": float(deletion[2:].mean()),
            "deletion_gain": float(deletion[2:].mean() - deletion[0]),
            "insertion_area": float(insertion[0]),
            "occlusion_insertion_area": float(insertion[1]),
            "random_insertion_area": float(insertion[2:].mean()),
            "insertion_gain": float(insertion[0] - insertion[2:].mean()),
            "predicted": found.predicted,
            "probability": found.probability,
            **cells.columns(found.explanation.scores.tolist()),
        }


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
        "in the order that an explainer (by default occlusion) gives than in random order, and how "
        "much faster it rises when they are uncovered one by one.",
        does_not_measure="Effects of cells together: each was covered alone to find the order.",
        reference="Zeiler and Fergus 2014; Petsiuk et al. 2018, RISE",
        critique="Covered pictures are unlike any the model was trained on.",
    )

    def divided(self, sample: Sample) -> Picture:
        """A grid of cells."""
        return Picture(sample["image"], self.grid)


@dataclass(frozen=True)
class AudioOcclusion(_Curves):
    """Which cells of a clip does its zero-shot class hang on, and is that so?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        explainer: See ExplainerChoice; what ranks the cells.
        settings: The explainer's own.
        segments: Moments a clip is divided into.
        bands: Bands of frequency, of equal height in mel.
        fill: What a cell that is taken away holds: its frequency's ``mean`` level, or ``silence``.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)
    segments: int = 8
    bands: int = 1
    fill: str = FILLS[1]

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "explain/audio-occlusion"
    asked: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label")
    card: ClassVar[Card] = Card(
        measures="How much faster the predicted class's probability falls when cells of time and "
        "frequency are brought to their frequency's mean level in the order that an explainer (by "
        "default occlusion) gives than in random order, and how much faster it rises when they are "
        "shown one by one.",
        does_not_measure="Effects of cells together: each was taken away alone to find the order.",
        reference="Zeiler and Fergus 2014; Petsiuk et al. 2018, RISE",
        critique="A gap of silence (fill: silence) is itself a sound that a model can react to.",
    )

    def divided(self, sample: Sample) -> Clip:
        """Cells of time and frequency."""
        return Clip(sample["audio"], self.segments, self.bands, self.fill)  # type: ignore[arg-type]
