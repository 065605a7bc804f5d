"""BLEU, chrF and TER from summed sufficient statistics, many resamples at once.

The layouts are sacrebleu's: BLEU [length, reference length, matches of 1- to 4-grams, totals of
them]; chrF [n-grams of the hypothesis, of the reference, of both] for each order; TER [edits,
reference length].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_ORDERS = 4
_BETA_SQUARED = 4.0


def bleu_of(totals: Floats) -> Floats:
    """BLEU with exponential smoothing of each row of totals (draws, 10); range [0, 100]."""
    length, reference_length = totals[:, 0], totals[:, 1]
    matches, ngrams = totals[:, 2 : 2 + _ORDERS], totals[:, 2 + _ORDERS :]
    unmatched = (matches == 0) & (ngrams > 0)
    halvings = np.cumsum(unmatched, axis=1)
    counted = np.where(unmatched, 0.5**halvings, matches)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(counted) - np.log(ngrams)
        shortness = np.where(length > 0, 1 - reference_length / length, -np.inf)
    # An order without any n-gram has precision 0, and with it the whole product.
    logs = np.where(ngrams > 0, logs, -np.inf)
    scores = 100 * np.exp(np.minimum(0, shortness) + logs.mean(axis=1))
    return np.asarray(np.where(matches.any(axis=1), scores, 0.0))


def chrf_of(totals: Floats) -> Floats:
    """The chrF score of each row of totals (draws, 3 · orders); range [0, 100]."""
    ours, theirs, shared = (totals[:, start::3] for start in range(3))
    counts = (ours > 0) & (theirs > 0)
    n_orders = np.maximum(1, counts.sum(axis=1))
    precision = np.where(counts, shared / np.maximum(1, ours), 0.0).sum(axis=1) / n_orders
    recall = np.where(counts, shared / np.maximum(1, theirs), 0.0).sum(axis=1) / n_orders
    below = _BETA_SQUARED * precision + recall
    above = (1 + _BETA_SQUARED) * precision * recall
    return np.asarray(100 * np.where(below > 0, above / np.where(below > 0, below, 1), 0.0))


def ter_of(totals: Floats) -> Floats:
    """Edit rate of each row of totals (draws, 2) in percent; 100 for edits of empty references."""
    edits, length = totals[:, 0], totals[:, 1]
    without_words = np.where(edits > 0, 1.0, 0.0)
    rates = edits / np.where(length > 0, length, 1)
    return np.asarray(100 * np.where(length > 0, rates, without_words))
