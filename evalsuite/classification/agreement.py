"""Predicted labels against the right ones: metrics of the confusion matrix.

The columns ``predicted`` and ``target`` hold labels. Rows are resampled as counts of the matrix's
cells. Rows without a label on one side are left out and counted in ``extra``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite.metric import Estimate, Null, Summed, Table
from evalsuite.sliced import SlicedMetric, is_given
from evalsuite.statistics import totals_distribution
from evalsuite.summing import scattered

Floats = npt.NDArray[np.float64]

# Rows times cells of a confusion matrix that a comparison holds at once: 80 MB.
MAX_ENTRIES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class AgreementMetric(SlicedMetric):
    """Base; a subclass maps confusion matrices (draws, targets, predictions) to (draws,)."""

    predicted: str = "predicted"
    target: str = "target"
    needs_two_classes: bool = False

    def _score(self, matrices: Floats) -> Floats:
        raise TypeError(f"{type(self).__name__} does not score")

    def _expected(self, targets: Floats, predictions: Floats) -> Null:
        """The null, from the shares of each class among targets and predictions."""
        raise TypeError(f"{type(self).__name__} has no null")

    def summed(self, table: Table) -> Iterator[Summed]:
        """How the whole follows from the counts of the matrix's cells."""
        kept = self._kept(table)
        targets, predictions = (
            np.array([_label(item) for item in table.where(kept)[name]])
            for name in (self.target, self.predicted)
        )
        if not kept.any() or (self.needs_two_classes and len(set(targets)) < 2):
            return
        names = sorted({*targets, *predictions})
        if len(names) ** 2 * table.n > MAX_ENTRIES:
            return
        cell = len(names) * np.searchsorted(names, targets) + np.searchsorted(names, predictions)

        def score(totals: Floats) -> Floats:
            return self._score(totals.reshape(-1, len(names), len(names)))

        columns = scattered(np.eye(len(names) ** 2)[cell], kept)
        yield Summed(self.name, "", columns, score, tuple(names))

    def _kept(self, table: Table) -> npt.NDArray[np.bool_]:
        """Rows that have a label on both sides."""
        both = zip(table[self.target], table[self.predicted], strict=True)
        return np.array([is_given(a) and is_given(b) for a, b in both], dtype=bool)

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        kept = self._kept(table)
        if not kept.any():
            return [self._nothing("no sample has a target and a prediction", label, table.n)]
        part = table.where(kept)
        targets = np.array([_label(item) for item in part[self.target]])
        predictions = np.array([_label(item) for item in part[self.predicted]])
        names = sorted({*targets, *predictions})
        if self.needs_two_classes and len(set(targets)) < 2:
            reason = f"every target is {targets[0]!r}; it takes two classes"
            return [self._nothing(reason, label, part.n)]
        cells, of_row = np.unique(
            len(names) * np.searchsorted(names, targets) + np.searchsorted(names, predictions),
            return_inverse=True,
        )

        def score(totals: Floats) -> Floats:
            matrices = np.zeros((len(totals), len(names) ** 2))
            matrices[:, cells] = totals
            return self._score(matrices.reshape(-1, len(names), len(names)))

        rows = np.eye(len(cells))[of_row]
        found = totals_distribution(rows, score, rng=rng, clusters=self._units(part))
        shares = [np.mean(x[:, None] == np.array(names), axis=0) for x in (targets, predictions)]
        facts = {"n_classes": len(set(targets)), "n_without_label": int((~kept).sum())}
        return [self._made(found, part, label, self._expected(*shares), **facts)]


@dataclass(frozen=True, kw_only=True)
class Accuracy(AgreementMetric):
    """Share of rows whose labels agree. Range [0, 1]; the null is the most frequent target."""

    name: str = "accuracy"

    def _score(self, matrices: Floats) -> Floats:
        return np.asarray(np.trace(matrices, axis1=1, axis2=2) / matrices.sum(axis=(1, 2)))

    def _expected(self, targets: Floats, predictions: Floats) -> Null:
        return Null(float(targets.max()), self.margin, "above", "always the most frequent label")


@dataclass(frozen=True, kw_only=True)
class BalancedAccuracy(AgreementMetric):
    """Mean recall over the classes among the targets.

    Range [0, 1]; the null is one over the number of classes, which every constant gets.
    Undefined: fewer than two classes. Reference: Brodersen et al. 2010, ICPR.
    """

    name: str = "balanced accuracy"
    needs_two_classes: bool = True

    def _score(self, matrices: Floats) -> Floats:
        hits, seen = matrices.diagonal(axis1=1, axis2=2), matrices.sum(axis=2)
        return _mean_where(seen > 0, hits / np.maximum(1, seen))

    def _expected(self, targets: Floats, predictions: Floats) -> Null:
        chance = 1 / int((targets > 0).sum())
        return Null(chance, self.margin, "above", "one class for every sample")


@dataclass(frozen=True, kw_only=True)
class MacroF1(AgreementMetric):
    """Mean over classes of F1 = 2 hits / (targets + predictions).

    Over the classes that occur among targets or predictions. Range [0, 1]; higher is better. The
    null is what the same two sets of labels get when neither knows of the other: the mean of
    2 p q / (p + q) over the classes' shares p and q. Undefined: fewer than two classes among the
    targets. Reference: Yang and Liu 1999, SIGIR; Opitz and Burst 2019 on this form of the mean.
    """

    name: str = "macro-F1"
    needs_two_classes: bool = True

    def _score(self, matrices: Floats) -> Floats:
        hits = matrices.diagonal(axis1=1, axis2=2)
        size = matrices.sum(axis=1) + matrices.sum(axis=2)
        return _mean_where(size > 0, 2 * hits / np.maximum(1, size))

    def _expected(self, targets: Floats, predictions: Floats) -> Null:
        size = targets + predictions
        independent = float(np.mean(2 * targets * predictions / size))
        return Null(independent, self.margin, "above", "labels given independently of the input")


@dataclass(frozen=True, kw_only=True)
class MatthewsCorrelation(AgreementMetric):
    """Correlation of two labellings (MCC; R_K for more than two classes).

    Formula: (c·s − Σ p_k t_k) / √((s² − Σ p_k²)(s² − Σ t_k²)), with s rows, c hits, p_k and t_k
    how often class k is predicted and right. Range [−1, 1]; the null is 0; a constant prediction
    counts as 0, the limit. Undefined: fewer than two classes among the targets.
    Reference: Gorodkin 2004, Computational Biology and Chemistry 28.
    """

    name: str = "MCC"
    needs_two_classes: bool = True

    def _score(self, matrices: Floats) -> Floats:
        rows, hits = matrices.sum(axis=(1, 2)), np.trace(matrices, axis1=1, axis2=2)
        targets, predictions = matrices.sum(axis=2), matrices.sum(axis=1)
        covariance = hits * rows - (targets * predictions).sum(axis=1)
        target_spread = rows**2 - (targets**2).sum(axis=1)
        spread = np.sqrt((rows**2 - (predictions**2).sum(axis=1)) * target_spread)
        scores = np.where(spread > 0, covariance / np.where(spread > 0, spread, 1), 0.0)
        return np.asarray(np.where(target_spread > 0, scores, np.nan))

    def _expected(self, targets: Floats, predictions: Floats) -> Null:
        return Null(0.0, self.margin, "above", "labels given independently of the input")


def _label(value: Any) -> str:
    """A label as text; a table turns whole numbers into floats, and 1.0 means the label 1."""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)


def _mean_where(mask: npt.NDArray[np.bool_], values: Floats) -> Floats:
    """Row means over the entries that a mask keeps; every row keeps one."""
    return np.asarray(np.where(mask, values, 0.0).sum(axis=1) / mask.sum(axis=1))
