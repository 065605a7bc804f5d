"""Zero-shot classification of images or clips that have several labels at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite.errors import DataError
from evalsuite.metric import Estimate, Metric, Null, Table, undefined
from evalsuite.probe import Asking
from evalsuite.source import Sample
from evalsuite.statistics import bootstrap_interval
from evalsuite.zero_shot.prediction import Classes, logits_of
from evalsuite.zero_shot.task import ZeroShotProbe, embed

Floats = npt.NDArray[np.float64]
SCORES, TRUTHS = "_scores", "_truths"


@dataclass(frozen=True)
class MeanAveragePrecision:
    """Mean over classes of the average precision of their ranking of all inputs.

    Formula: AP = Σ_k (R_k - R_{k-1}) P_k over the distinct scores of a class, so that inputs with
    equal scores are taken together and a model that gives one score to all has exactly the class's
    share of inputs. Range [0, 1], higher is better; null: the mean share. Classes without a
    positive input are left out and counted. Interval: bootstrap over inputs. Undefined: no class
    has a positive input.

    Attributes:
        what: What an input is called, ``image`` or ``clip``.
    """

    name: str = "mean average precision"
    primary: bool = True
    what: str = "image"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        scores, truths = np.stack(list(table[SCORES])), np.stack(list(table[TRUTHS]))
        present = truths.any(axis=0)
        if not present.any():
            return [undefined(self.name, f"no {self.what} has any of the classes", is_primary=True)]
        rows = np.concatenate([scores[:, present], truths[:, present]], axis=1)
        n = int(present.sum())

        def mean_precision(both: Floats, counts: Floats) -> Floats:
            found = [average_precisions(both[:, c], both[:, n + c] > 0, counts) for c in range(n)]
            kept = ~np.isnan(found)
            sums = np.where(kept, found, 0.0).sum(axis=0)
            return np.asarray(np.where(kept.any(axis=0), sums, np.nan) / kept.sum(axis=0).clip(1))

        interval = bootstrap_interval(rows, mean_precision, rng=rng, resamples=400)
        share = float(truths[:, present].mean())
        return [
            Estimate(
                self.name,
                float(mean_precision(rows, np.ones((1, len(rows))))[0]),
                interval.low,
                interval.high,
                method=interval.method,
                unit=self.what,
                n=table.n,
                direction="higher is better",
                null=Null(share, why=f"one score for every {self.what}: the classes' shares"),
                is_primary=self.primary,
                extra={"n_classes": n, f"n_classes_without_{self.what}": int((~present).sum())},
            )
        ]


def average_precisions(
    scores: Floats, is_positive: npt.NDArray[np.bool_], counts: Floats
) -> Floats:
    """Average precision of a ranking whose inputs occur several times, (draws,); ties together.

    NaN where no positive input occurs.

    Args:
        scores: One number for each input, (n,).
        is_positive: Whether an input has the class, (n,).
        counts: How often each input occurs, (draws, n).
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    drawn = counts[:, order]
    positives = np.cumsum(drawn * is_positive[order], axis=1)[:, ends]
    precision = positives / np.maximum(1, np.cumsum(drawn, axis=1)[:, ends])
    gained = np.diff(positives, axis=1, prepend=0.0)
    total = np.where(positives[:, -1] > 0, positives[:, -1], np.nan)
    return np.asarray((gained * precision).sum(axis=1) / total)


@dataclass(frozen=True)
class ZeroShotLabelsTask(ZeroShotProbe):
    """Base: rank images or clips for each class by how close they are to its description."""

    family: ClassVar[Any] = "task"
    metrics: ClassVar[Sequence[Metric]] = (MeanAveragePrecision(),)

    def _labels(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        return tuple(sorted({str(label) for sample in samples for label in sample["labels"]}))

    def ask(self, sample: Sample, context: Classes) -> Asking:
        """Embed the image or clip and score every class."""
        labels = {str(label) for label in sample["labels"]}
        unknown = sorted(labels - set(context.names))
        if unknown:
            raise DataError(f"the label {unknown[0]!r} is not among the classes")
        embedding = yield embed(sample[self.medium])
        logits = logits_of(embedding.vector, context.vectors, context.similarity)
        return {
            "labels": ", ".join(sorted(labels)),
            "predicted": context.names[int(np.argmax(logits))],
            SCORES: logits,
            TRUTHS: np.array([float(name in labels) for name in context.names]),
        }
