"""Aggregations that depend on a confusion matrix only, for many resamples at once.

The harness calls scikit-learn on each resample, which takes minutes; a resample changes nothing
but how often each (truth, answer) pair counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from lm_eval.api import metrics as harness

Floats = npt.NDArray[np.float64]


def matthews(confusion: Floats) -> Floats:
    """Matthews correlation of each confusion matrix, (draws, labels, labels) to (draws,).

    Formula: (c s − Σ_k p_k t_k) / √((s² − Σ p_k²)(s² − Σ t_k²)), with c the number of agreements,
    s of all, t_k of truths and p_k of answers that are k. Range: [-1, 1]; 0, as in scikit-learn,
    where truths or answers are all the same. Reference: Gorodkin 2004.
    """
    total = confusion.sum(axis=(1, 2))
    agreed = np.einsum("dkk->d", confusion)
    truths, answers = confusion.sum(axis=2), confusion.sum(axis=1)
    above = agreed * total - (truths * answers).sum(axis=1)
    spread = (total**2 - (answers**2).sum(axis=1)) * (total**2 - (truths**2).sum(axis=1))
    return np.divide(above, np.sqrt(spread), out=np.zeros_like(above), where=spread > 0)


def f1_of_ones(labels: Sequence[Any]) -> Callable[[Floats], Floats]:
    """F1 of the label 1: 2 TP / (2 TP + FP + FN); 0 where there is none to find or found."""
    one = list(labels).index(1)

    def f1(confusion: Floats) -> Floats:
        hits = confusion[:, one, one]
        below = confusion[:, one, :].sum(axis=1) + confusion[:, :, one].sum(axis=1)
        return np.divide(2 * hits, below, out=np.zeros_like(below), where=below > 0)

    return f1


def weighted(
    aggregation: Callable[..., Any], items: Sequence[Any]
) -> Callable[[npt.NDArray[Any], Floats], Floats] | None:
    """The aggregation as a statistic of row counts, (n,) and (draws, n) to (draws,).

    None for aggregations that are no function of a confusion matrix, and for F1 of labels other
    than 0 and 1.
    """
    if aggregation not in (harness.matthews_corrcoef, harness.f1_score):
        return None
    pairs = [(int(truth), int(answer)) for truth, answer in items]
    labels = sorted({label for pair in pairs for label in pair})
    if aggregation is harness.matthews_corrcoef:
        statistic: Callable[[Floats], Floats] = matthews
    elif set(labels) <= {0, 1} and 1 in labels:
        statistic = f1_of_ones(labels)
    else:
        return None
    size = len(labels)
    cells = np.zeros((len(pairs), size * size))
    for row, (truth, answer) in enumerate(pairs):
        cells[row, labels.index(truth) * size + labels.index(answer)] = 1

    def on(rows: npt.NDArray[Any], counts: Floats) -> Floats:
        return statistic((counts @ cells[rows]).reshape(-1, size, size))

    return on
