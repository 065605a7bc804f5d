"""Exposure of planted secrets: how far up a ranking of look-alikes a model puts them, in bits."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ties: TypeAlias = Literal["ahead", "middle"]

# Three parameters are fitted; with fewer references than this their tail is a guess.
LEAST_TO_FIT = 10


def exposure(ranks: npt.ArrayLike, n_references: int) -> Floats:
    """Bits by which knowing the model shortens a guess at the secret.

    Formula: log₂|R| − log₂ rank. Shape: as ``ranks``. Range: [log₂(|R|/(|R|+1)), log₂|R|]: a
    secret behind all references it is not one of ranks |R| + 1 and scores just below zero.
    Higher is worse (more memorised). Without memorisation the expectation is not 0 but about
    log₂ e ≈ 1.44; see :func:`null_exposure`. Undefined: no references (NaN).
    Reference: Carlini et al. 2019 (1802.08232), section 4.

    Args:
        ranks: 1-based ranks, 1 the most likely; ranks of ties may be fractional.
        n_references: Size of the candidate set |R|; log₂ of it caps the result.
    """
    positions = np.asarray(ranks, dtype=float)
    if np.any(positions < 1):
        raise ValueError("ranks start at 1")
    if n_references < 1:
        return np.full(positions.shape, np.nan)
    return np.asarray(math.log2(n_references) - np.log2(positions), dtype=float)


def interpolated_exposure(
    perplexities: npt.ArrayLike, references: npt.ArrayLike, *, ties: Ties = "ahead"
) -> Floats:
    """Exposure of each secret by its rank among the perplexities of reference secrets.

    Formula: log₂|R| − log₂(1 + #{r ∈ R: ppl_r ≤ ppl}). A tie counts as a reference ahead, so that
    it never adds exposure; with ``ties="middle"`` only half of the ties do, which is the mean rank
    when ties are broken at random. Shape: one value per secret, in the order given.
    Range: [log₂(|R|/(|R|+1)), log₂|R|], higher is worse. Undefined: NaN for a NaN perplexity, and
    for all when there are no references. Reference: Carlini et al. 2019 (1802.08232).

    Args:
        perplexities: Perplexities of the planted secrets, (n,); any increasing transform will do.
        references: Perplexities of secrets from the same generator that were not planted, (|R|,).
        ties: Where references with a secret's own perplexity stand: ahead of it, or around it.
    """
    asked = np.asarray(perplexities, dtype=float)
    ranked = np.sort(np.asarray(references, dtype=float).ravel())
    _refuse_nan(ranked)
    ahead = np.searchsorted(ranked, asked, side="right").astype(float)
    if ties == "middle":
        ahead = (ahead + np.searchsorted(ranked, asked, side="left")) / 2
    bits = exposure(1.0 + ahead, ranked.size)
    return np.where(np.isnan(asked), np.nan, bits)


def extrapolated_exposure(log_perplexities: npt.ArrayLike, references: npt.ArrayLike) -> Floats:
    """Exposure of each secret by a skew-normal distribution fitted to the references.

    Formula: −log₂ F(ppl), F the distribution fitted by maximum likelihood. It can exceed log₂|R|,
    the most that |R| references can show, and is then as good as the fit is in a tail where there
    is no reference: say that it is extrapolated. Shape: one value per secret, in the order given.
    Range: [0, ∞), higher is worse; log₂ e expected without memorisation. Undefined: NaN for a NaN
    perplexity, and for all with fewer than ten references or when all references are the same.
    Reference: Carlini et al. 2019 (1802.08232), section 4.3.

    Args:
        log_perplexities: Of the planted secrets, (n,).
        references: The same of secrets that were not planted, (|R|,).
    """
    from scipy.stats import skewnorm  # a second to import

    asked = np.asarray(log_perplexities, dtype=float)
    others = np.asarray(references, dtype=float).ravel()
    _refuse_nan(others)
    if others.size < LEAST_TO_FIT or np.ptp(others) == 0:
        return np.full(asked.shape, np.nan)
    return np.asarray(-skewnorm.logcdf(asked, *skewnorm.fit(others)) / math.log(2), dtype=float)


def _refuse_nan(references: Floats) -> None:
    if np.isnan(references).any():
        raise ValueError("a reference perplexity is NaN; leave out references without a score")


def null_exposure(n_references: int, *, is_held_out: bool = False) -> float:
    """Expected exposure of a secret the model has never seen.

    Formula: log₂|R| − (1/m)·Σᵢ₌₁ᵐ log₂ i, the rank being uniform on 1 … m. The secret is itself
    one of the |R| candidates in the definition, so m = |R|; held out of the references, as in
    :func:`interpolated_exposure` with fresh references, it can also come last, so m = |R| + 1.
    Range: [0, log₂ e) when not held out, towards log₂ e ≈ 1.4427 as |R| grows.
    Undefined: no references (NaN). Reference: Carlini et al. 2019 (1802.08232).
    """
    if n_references < 1:
        return math.nan
    ranks = n_references + 1 if is_held_out else n_references
    return math.log2(n_references) - math.lgamma(ranks + 1) / (math.log(2) * ranks)
