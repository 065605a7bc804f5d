"""Zero-shot classification of images that have several labels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import average_precision_score

from evalsuite import (
    Card,
    DataError,
    EmbedImage,
    EmbedText,
    Estimate,
    Metric,
    Null,
    Sample,
    SimilarityScale,
    Table,
    undefined,
)
from evalsuite.statistics import bootstrap_interval, by_repetition
from evalsuite.zero_shot import Classes, ZeroShotProbe, logits_of

SCORES, TRUTHS = "_scores", "_truths"


@dataclass(frozen=True)
class MeanAveragePrecision:
    """Mean over classes of the average precision of their ranking of all images.

    Formula: AP = Σ_k (R_k - R_{k-1}) P_k over the distinct scores of a class, so that images with
    equal scores are taken together and a model that gives one score to all has exactly the class's
    share of images. Range [0, 1], higher is better; null: the mean share. Classes without a
    positive image are left out and counted. Interval: bootstrap over images. Undefined: no class
    has a positive image.
    """

    name: str = "mean average precision"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        scores, truths = np.stack(list(table[SCORES])), np.stack(list(table[TRUTHS]))
        present = truths.any(axis=0)
        if not present.any():
            return [undefined(self.name, "no image has any of the classes", is_primary=True)]
        rows = np.concatenate([scores[:, present], truths[:, present]], axis=1)
        n = int(present.sum())

        def mean_precision(both: Any) -> float:
            labels = both[:, n:].astype(bool)
            found = [
                average_precision_score(labels[:, c], both[:, c])
                for c in range(n)
                if labels[:, c].any()
            ]
            return float(np.mean(found)) if found else float("nan")

        interval = bootstrap_interval(rows, by_repetition(mean_precision), rng=rng, resamples=400)
        share = float(truths[:, present].mean())
        return [
            Estimate(
                self.name,
                mean_precision(rows),
                interval.low,
                interval.high,
                method=interval.method,
                unit="image",
                n=table.n,
                direction="higher is better",
                null=Null(share, why="one score for every image: the classes' share of images"),
                is_primary=self.primary,
                extra={"n_classes": n, "n_classes_without_image": int((~present).sum())},
            )
        ]


@dataclass(frozen=True)
class ZeroShotLabels(ZeroShotProbe):
    """Rank images for each class by how close they are to its description."""

    name: ClassVar[str] = "vision/zero-shot-labels"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "labels")
    card: ClassVar[Card] = Card(
        measures="For each class, whether images that have it rank above those that have not.",
        does_not_measure="A threshold that says yes or no; scores of different classes are not "
        "compared.",
        reference="Average precision as in Everingham et al. 2010 (PASCAL VOC), over all points",
        critique="Annotators leave out labels that would also fit.",
    )
    metrics: ClassVar[Sequence[Metric]] = (MeanAveragePrecision(),)

    def _labels(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        return tuple(sorted({str(label) for sample in samples for label in sample["labels"]}))

    def ask(self, sample: Sample, context: Classes) -> Any:
        """Embed the image and score every class."""
        labels = {str(label) for label in sample["labels"]}
        unknown = sorted(labels - set(context.names))
        if unknown:
            raise DataError(f"the label {unknown[0]!r} is not among the classes")
        embedding = yield EmbedImage(sample["image"])
        logits = logits_of(embedding.vector, context.vectors, context.similarity)
        return {
            "labels": ", ".join(sorted(labels)),
            "predicted": context.names[int(np.argmax(logits))],
            SCORES: logits,
            TRUTHS: np.array([float(name in labels) for name in context.names]),
        }
