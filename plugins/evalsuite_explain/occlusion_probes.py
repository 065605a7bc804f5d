"""Explanations of zero-shot decisions by occlusion: any model that embeds can be explained."""

from __future__ import annotations

import json
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
    Proportion,
    Sample,
    SimilarityScale,
)
from evalsuite.zero_shot import Classes, ZeroShotProbe, embed, predict
from evalsuite_explain.faithfulness import curve_area, ranking
from evalsuite_explain.occlusion import Clip, Picture

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
class _Occlusion(ZeroShotProbe):
    """Base: cover each cell once, rank cells by the drop, then cover them cumulatively."""

    family: ClassVar[Any] = "explainability"
    metrics: ClassVar[Sequence[Metric]] = _CURVES

    def divided(self, sample: Sample) -> Any:
        """The input as cells."""
        raise TypeError(f"{type(self).__name__} does not divide its input")

    def ask(self, sample: Sample, context: Classes) -> Any:
        """Drops first, then the curves of the found order and of random ones."""
        cells = self.divided(sample)
        target, full, drops = yield from drops_of(cells, sample[self.medium], context)
        order = ranking(drops)
        rng = np.random.default_rng(int(sample.content_hash[:12], 16))
        orders = [order, *(rng.permutation(len(cells)).tolist() for _ in range(RANDOM_DRAWS))]
        deletions = [cells.without(o[:k]) for o in orders for k in range(1, len(cells) + 1)]
        insertions = [cells.without(order[k:]) for k in range(len(cells))]
        replies = yield tuple(embed(part) for part in (*deletions, *insertions))
        values = [_probability(reply, context, target) for reply in replies]
        n = len(cells)
        curves = [[full, *values[i * n : (i + 1) * n]] for i in range(len(orders))]
        deletion = curve_area(curves[0])
        random_area = float(np.mean([curve_area(curve) for curve in curves[1:]]))
        return {
            "deletion_area": deletion,
            "random_deletion_area": random_area,
            "deletion_gain": random_area - deletion,
            "insertion_area": curve_area([*values[len(orders) * n :], full]),
            "predicted": context.names[target],
            "probability": full,
            "map": map_json(drops, cells),
        }


def drops_of(cells: Any, medium: Any, context: Classes) -> Any:
    """Ask about the input and about it without each cell.

    Returns:
        The predicted class, its probability, and the drop of that for each cell.
    """
    whole, *parts = yield (embed(medium), *(embed(cells.without([i])) for i in range(len(cells))))
    first = predict(whole.vector, context.vectors, context.similarity, 0)
    full = _probability(whole, context, first.index)
    return first.index, full, [full - _probability(p, context, first.index) for p in parts]


def _probability(embedding: Any, context: Classes, target: int) -> float:
    return predict(embedding.vector, context.vectors, context.similarity, target).probability


def map_json(drops: Sequence[float], cells: Any) -> str:
    """Rows of drops for the report: a square for pictures, one row for clips."""
    side = round(len(cells) ** 0.5) if isinstance(cells, Picture) else len(cells)
    rows = [drops[i : i + side] for i in range(0, len(drops), side)]
    return json.dumps([[round(float(v), 5) for v in row] for row in rows])


@dataclass(frozen=True)
class ImageOcclusion(_Occlusion):
    """Which cells of a picture does its zero-shot class hang on, and is that so?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        grid: Cells on a side.
    """

    grid: int = 4

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "explain/image-occlusion"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
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
class AudioOcclusion(_Occlusion):
    """Which moments of a clip does its zero-shot class hang on, and is that so?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        segments: Moments a clip is divided into.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)
    segments: int = 8

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "explain/audio-occlusion"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
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


@dataclass(frozen=True)
class ShortcutPatch(ZeroShotProbe):
    """Is the planted patch where occlusion finds the greatest drop?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        grid: Cells on a side.
    """

    grid: int = 4

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "explain/shortcut-patch"
    family: ClassVar[Any] = "explainability"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "label", "patch_box")
    card: ClassVar[Card] = Card(
        measures="How often the cell whose covering costs the predicted class most touches the "
        "patch on which a shortcut was planted.",
        does_not_measure="Anything about a model of which the shortcut is not known.",
        reference="Adebayo et al. 2020, Debugging tests for model explanations",
        critique="A model without the shortcut should put the patch at chance or below.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "patch_is_top",
            name="planted patch found first",
            null=Null(0.0, margin=0.05, side="above", why="a random cell"),
            chance="chance",
            primary=True,
        ),
        Mean("patch_mass", name="share of the drop inside the patch"),
    )

    def ask(self, sample: Sample, context: Classes) -> Any:
        """Cover every cell once and look the patch up."""
        picture = Picture(sample["image"], self.grid)
        inside = picture.touching(sample["patch_box"])
        target, full, drops = yield from drops_of(picture, sample["image"], context)
        positive = np.maximum(drops, 0)
        mass = float(positive[inside].sum() / positive.sum()) if positive.sum() > 0 else None
        return {
            "patch_is_top": ranking(drops)[0] in inside,
            "patch_mass": mass,
            "chance": len(inside) / len(picture),
            "predicted": context.names[target],
            "probability": full,
            "map": map_json(drops, picture),
        }
