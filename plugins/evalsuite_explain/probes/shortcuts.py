"""Planted ground truth: does an explainer find the word, patch or tone that decides?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Card,
    Classify,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Failure,
    Mean,
    Metric,
    Null,
    Probe,
    Proportion,
    RequestFailed,
    Sample,
    SimilarityScale,
)
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.clip import Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.measures.faithfulness import ranking
from evalsuite_explain.measures.localisation import lift, mass_inside, rank_inside
from evalsuite_explain.probes.described import ExplainedClass
from evalsuite_explain.probes.explaining import ExplainerChoice, completeness_columns, rng_of_sample
from evalsuite_explain.probes.measuring import defined
from evalsuite_explain.targets import log_odds_of


@dataclass(frozen=True)
class ShortcutWord(ExplainerChoice, Probe):
    """Is the planted word the one that the explainer ranks first?"""

    name: ClassVar[str] = "explain/shortcut-word"
    family: ClassVar[Any] = "explainability"
    asked: ClassVar[Any] = (Classify,)
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
        Proportion("occlusion_is_top", name="planted word ranked first by occlusion"),
        Proportion("random_is_top", name="planted word ranked first by chance", chance="chance"),
        Mean("cue_rank", name="rank of the planted word"),
        Mean("cue_score", name="score of the planted word"),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify, attribute, and look the cue up."""
        text, cue = str(sample["text"]), str(sample["cue"])
        divided = Words(text)
        words = divided.words
        places = [i for i, (word, _) in enumerate(words) if word == cue]
        if not places:
            raise RequestFailed(Failure("no cue", f"the text does not hold the word {cue!r}"))
        found = yield Classify(text)
        target, rng = log_odds_of(found), rng_of_sample(sample)
        explained = yield from self.explained(divided, target, sample)
        oracle = yield from Occlusion().explain(Game(divided, target), rng)
        scores = explained.scores.tolist()
        order = ranking(scores)
        rank = min(order.index(place) for place in places) + 1
        return {
            "cue_is_top": rank == 1,
            "occlusion_is_top": ranking(oracle.scores)[0] in places,
            "random_is_top": int(rng.integers(len(words))) in places,
            "cue_rank": rank,
            "cue_score": max(scores[place] for place in places),
            "chance": len(places) / len(words),
            **completeness_columns({self.explainer: explained}),
            "predicted": found.label,
            **divided.columns(scores),
        }


@dataclass(frozen=True)
class _ShortcutCell(ExplainedClass):
    """Base: which cell of a picture or clip does the predicted class hang on most?"""

    explainer: str = "occlusion"

    family: ClassVar[Any] = "explainability"
    planted: ClassVar[str] = ""

    def divided(self, sample: Sample) -> tuple[Any, list[int]]:
        """The input as cells, and those on which the shortcut lies."""
        raise TypeError(f"{type(self).__name__} does not divide its input")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Explain the predicted class, and look the shortcut up."""
        cells, inside = self.divided(sample)
        found = yield from self.explained_class(cells, sample, context)
        scores = found.explanation.scores
        rng = rng_of_sample(sample)
        oracle = yield from Occlusion().explain(Game(cells, found.target), rng)
        region = np.isin(np.arange(len(cells)), inside)
        mass = mass_inside(scores, region)
        return {
            f"{self.planted}_is_top": ranking(scores)[0] in inside,
            f"{self.planted}_mass": defined(mass),
            "mass_lift": defined(lift(mass, region)),
            "rank_inside": rank_inside(scores, region),
            "occlusion_is_top": ranking(oracle.scores)[0] in inside,
            "random_is_top": int(rng.integers(len(cells))) in inside,
            "chance": len(inside) / len(cells),
            **completeness_columns({self.explainer: found.explanation}),
            "predicted": found.predicted,
            "probability": found.probability,
            **cells.columns(scores.tolist()),
        }


def _shortcut_metrics(planted: str) -> tuple[Metric, ...]:
    return (
        Proportion(
            f"{planted}_is_top",
            name=f"planted {planted} found first",
            null=Null(0.0, margin=0.05, side="above", why="a random cell"),
            chance="chance",
            primary=True,
        ),
        Mean(f"{planted}_mass", name=f"share of the positive scores inside the {planted}"),
        Mean(
            "mass_lift",
            name="that share over the cells'",
            null=Null(1.0, margin=0.05, side="above", why="a blind explainer"),
        ),
        Mean("rank_inside", name=f"first cells inside the {planted}", chance="chance"),
        Proportion("occlusion_is_top", name=f"planted {planted} found first by occlusion"),
        Proportion(
            "random_is_top", name=f"planted {planted} found first by chance", chance="chance"
        ),
    )


@dataclass(frozen=True)
class ShortcutPatch(_ShortcutCell):
    """Is the planted patch where the explainer finds most?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        grid: Cells on a side.
    """

    grid: int = 4

    medium: ClassVar[str] = "image"
    planted: ClassVar[str] = "patch"
    name: ClassVar[str] = "explain/shortcut-patch"
    asked: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "label", "patch_box")
    card: ClassVar[Card] = Card(
        measures="How often the cell that an explainer (by default occlusion) ranks first for the "
        "predicted class touches the patch on which a shortcut was planted.",
        does_not_measure="Anything about a model of which the shortcut is not known.",
        reference="Adebayo et al. 2020, Debugging tests for model explanations",
        critique="A model without the shortcut should put the patch at chance or below.",
    )
    metrics: ClassVar[Sequence[Metric]] = _shortcut_metrics("patch")

    def divided(self, sample: Sample) -> tuple[Picture, list[int]]:
        """A grid of cells, and those that the patch touches."""
        picture = Picture(sample["image"], self.grid)
        return picture, picture.touching(sample["patch_box"])


@dataclass(frozen=True)
class ShortcutTone(_ShortcutCell):
    """Is the planted tone where the explainer finds most?

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        moments: Stretches of time that a clip is divided into.
        bands: Bands of frequency, of equal height in mel.
        fill: What a cell that is taken away holds, ``silence`` or its frequency's ``mean`` level.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)
    moments: int = 4
    bands: int = 1
    fill: str = "silence"

    medium: ClassVar[str] = "audio"
    planted: ClassVar[str] = "tone"
    name: ClassVar[str] = "explain/shortcut-tone"
    asked: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label", "tone_label", "tone_s", "tone_hz")
    card: ClassVar[Card] = Card(
        measures="How often the cell of time and frequency that an explainer (by default "
        "occlusion) ranks first for the predicted class touches the tone on which a shortcut was "
        "planted.",
        does_not_measure="Anything about a model of which the shortcut is not known.",
        reference="Adebayo et al. 2020, Debugging tests for model explanations",
        critique="A model without the shortcut should put the tone at chance or below.",
    )
    metrics: ClassVar[Sequence[Metric]] = _shortcut_metrics("tone")

    def divided(self, sample: Sample) -> tuple[Clip, list[int]]:
        """Cells of time and frequency, and those that the tone touches."""
        clip = Clip(sample["audio"], self.moments, self.bands, self.fill)  # type: ignore[arg-type]
        pitch = float(sample["tone_hz"])
        return clip, clip.touching(sample["tone_s"], (pitch, pitch))

    def _labels(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        """Also what the tone stands for, which no sample with it need show."""
        names = (str(s[field]) for s in samples for field in ("label", "tone_label"))
        return tuple(sorted(set(names)))
