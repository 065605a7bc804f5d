"""Do the scores of an image-text or audio-text match lie where the thing that is named is?"""

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
    Failure,
    Mean,
    Metric,
    Null,
    Probe,
    RequestFailed,
    Sample,
    SimilarityScale,
    Text,
)
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.clip import FILLS, Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.measures.localisation import (
    area_under_roc,
    lift,
    mass_inside,
    pointing,
    rank_inside,
)
from evalsuite_explain.probes.explaining import (
    ExplainerChoice,
    UnitChoice,
    completeness_columns,
    rng_of_sample,
)
from evalsuite_explain.probes.measuring import defined
from evalsuite_explain.targets import MatchScore

_BLIND = Null(0.0, margin=0.01, side="above", why="the region's share of the cells")


def localisation_columns(scores: Any, inside: Any, prefix: str = "") -> dict[str, float | None]:
    """Every measure as a column of a record; None where undefined."""
    mass = mass_inside(scores, inside)
    found = {
        "pointing": pointing(scores, inside),
        "mass": mass,
        "mass_lift": lift(mass, inside),
        "rank": rank_inside(scores, inside),
        "auc": area_under_roc(scores, inside),
    }
    return {f"{prefix}{name}": defined(value) for name, value in found.items()}


def localisation_metrics() -> tuple[Metric, ...]:
    """The measures with what a blind explainer gets, and those of occlusion."""
    better: Any = "higher is better"
    return (
        Mean("pointing", name="pointing game", chance="area", null=_BLIND, direction=better),
        Mean("mass", name="mass inside", chance="area", null=_BLIND, direction=better),
        Mean(
            "mass_lift",
            name="mass inside over area",
            null=Null(1.0, margin=0.05, side="above", why="a blind explainer"),
            direction=better,
            primary=True,
        ),
        Mean("rank", name="rank inside", chance="area", null=_BLIND, direction=better),
        Mean(
            "auc",
            name="area under ROC",
            null=Null(0.5, margin=0.01, side="above", why="a blind explainer"),
            direction=better,
        ),
        Mean("occlusion_pointing", name="pointing game of occlusion"),
        Mean("occlusion_mass_lift", name="mass inside over area of occlusion"),
        Mean("random_pointing", name="pointing game of a random explainer"),
        Mean("area", name="the region's share of the cells"),
    )


@dataclass(frozen=True)
class _Localisation(UnitChoice, ExplainerChoice, Probe):
    """Base: an explainer and occlusion on the similarity of a medium and a text."""

    medium: ClassVar[str] = "image"
    family: ClassVar[Any] = "explainability"

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Those of localisation."""
        return self.over_units(localisation_metrics())

    def divided(self, sample: Sample) -> tuple[Any, list[int]]:
        """The input as cells, and those of the thing that the text names."""
        raise TypeError(f"{type(self).__name__} does not divide its input")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Explain the match, and compare with the region."""
        (cells, touched), unit = self.divided(sample), self.unit(sample)
        if not touched or len(touched) == len(cells):
            raise RequestFailed(
                Failure("no region", "the region covers no cell or all of them, so none is missed")
            )
        inside = np.zeros(len(cells), dtype=bool)
        inside[touched] = True
        target = MatchScore((Text(str(sample["text"])),))
        rng = rng_of_sample(sample)
        own = yield from self.explained(cells, target, sample)
        oracle = yield from Occlusion().explain(Game(cells, target), rng)
        return {
            **localisation_columns(own.scores, inside),
            **localisation_columns(oracle.scores, inside, "occlusion_"),
            **localisation_columns(rng.standard_normal(len(cells)), inside, "random_"),
            "area": float(inside.mean()),
            "total": own.total,
            **unit,
            **completeness_columns({self.explainer: own}),
            **cells.columns(own.scores.tolist()),
        }


@dataclass(frozen=True)
class ImageLocalisation(_Localisation):
    """Where in a picture is what a dual encoder matches with a text?

    Samples have ``boxes``: left, top, right, bottom in pixels of each thing that the text names.

    Args:
        grid: Cells on a side.
    """

    grid: int = 7

    name: ClassVar[str] = "explain/image-localisation"
    asked: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "text", "boxes")
    card: ClassVar[Card] = Card(
        measures="Whether the cells that an explainer scores highest for the match of a picture "
        "and a text lie in the boxes of what the text names: pointing game, share of the positive "
        "mass (and over the boxes' share of the cells), share of the first cells, area under ROC.",
        does_not_measure="Whether the model should look there: what surrounds a thing may tell.",
        reference="Zhang et al. 2018; Arras et al. 2022, CLEVR-XAI",
        critique="Boxes hold background, and cells that a box only touches count as inside.",
    )

    def divided(self, sample: Sample) -> tuple[Picture, list[int]]:
        """A grid of cells, and those that any box touches."""
        picture = Picture(sample["image"], self.grid)
        return picture, sorted({cell for box in sample["boxes"] for cell in picture.touching(box)})


@dataclass(frozen=True)
class AudioLocalisation(_Localisation):
    """When and how high in a clip is what a dual encoder matches with a text?

    Samples have ``times_s``: first and last second of each sound that the text names; a field
    ``hertz`` (lowest, highest) narrows them.

    Args:
        moments: Stretches of time that a clip is divided into.
        bands: Bands of frequency, of equal height in mel.
        fill: What a cell that is taken away holds, ``silence`` or its frequency's ``mean`` level.
    """

    moments: int = 8
    bands: int = 1
    fill: str = FILLS[1]

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "explain/audio-localisation"
    asked: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "text", "times_s")
    card: ClassVar[Card] = Card(
        measures="Whether the cells of time and frequency that an explainer scores highest for the "
        "match of a clip and a text lie where the sound that the text names is heard: pointing "
        "game, share of the positive mass (and over the sound's share of the cells), share of the "
        "first cells, area under ROC.",
        does_not_measure="Whether the model should listen there.",
        reference="Zhang et al. 2018; Arras et al. 2022, CLEVR-XAI",
        critique="Cells that the sound only touches count as inside.",
    )

    def divided(self, sample: Sample) -> tuple[Clip, list[int]]:
        """Cells, and those that any of the times touches."""
        clip = Clip(sample["audio"], self.moments, self.bands, self.fill)  # type: ignore[arg-type]
        hertz = sample.get("hertz")
        touched = {cell for times in sample["times_s"] for cell in clip.touching(times, hertz)}
        return clip, sorted(touched)
