"""LiRA and RMIA: attacks that know how other models, trained with and without a sample, see it.

Pure functions of arrays; every score is higher for members. Rows are samples, columns reference
models; ``inside`` says which model was trained on which sample.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import norm

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


def logit_confidence(log_probability: npt.ArrayLike) -> Floats:
    """log(p / (1 - p)) from log p, the statistic that LiRA takes to be normal, in nats.

    Shape: as given. Range: all reals; infinite for p of 0 or 1.
    Reference: Carlini et al. 2022 (2112.03570), section IV.
    """
    values = np.asarray(log_probability, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(values - np.log(-np.expm1(values)), dtype=float)


def lira_online(
    target: npt.ArrayLike,
    references: npt.ArrayLike,
    inside: npt.ArrayLike,
    *,
    shared_deviation: bool = False,
) -> Floats:
    """Log-likelihood ratio of a sample's statistic under models trained with and without it.

    Formula: log N(phi; mu_in, sigma_in) - log N(phi; mu_out, sigma_out), each side's mean and
    population deviation from its own models. Shape: (n,), in nats; 0 favours neither.
    Undefined (NaN): fewer than two models on a side, or a side without spread.
    Reference: Carlini et al. 2022 (2112.03570), algorithm 1.

    Args:
        target: The statistic under the model at hand, (n,).
        references: Under each reference model, (n, models); NaN where there is none.
        inside: Whether a model was trained on a sample, (n, models).
        shared_deviation: Pool each side's deviation over all samples, around each one's mean;
            steadier with few models.
    """
    phi, by_model, was_in = _checked(target, references, inside)
    mean_in, deviation_in = _moments(by_model, was_in, shared_deviation)
    mean_out, deviation_out = _moments(by_model, ~was_in, shared_deviation)
    ratio = norm.logpdf(phi, mean_in, deviation_in) - norm.logpdf(phi, mean_out, deviation_out)
    return np.asarray(ratio, dtype=float)


def lira_offline(
    target: npt.ArrayLike,
    references: npt.ArrayLike,
    inside: npt.ArrayLike,
    *,
    shared_deviation: bool = False,
) -> Floats:
    """Standard score of a sample's statistic among models that were not trained on it.

    Formula: (phi - mu_out) / sigma_out. The paper's 1 - Pr[N(mu_out, sigma_out) > phi] is its
    normal probability (see :func:`one_sided_probability`) and ranks alike, but is 1 for every
    strong member. One-sided: a sample of unusually low confidence is no member.
    Shape: (n,). Undefined (NaN): fewer than two models without the sample, or no spread.
    Reference: Carlini et al. 2022 (2112.03570), section V-B.
    """
    phi, by_model, was_in = _checked(target, references, inside)
    mean, deviation = _moments(by_model, ~was_in, shared_deviation)
    return np.asarray((phi - mean) / deviation, dtype=float)


def one_sided_probability(standard_scores: npt.ArrayLike) -> Floats:
    """1 - Pr[N(mu_out, sigma_out) > phi] from lira_offline's scores; range [0, 1]."""
    return np.asarray(ndtr(np.asarray(standard_scores, dtype=float)), dtype=float)


def mean_probability_online(references: npt.ArrayLike, inside: npt.ArrayLike) -> Floats:
    """A sample's probability under an average model, half of such models having seen it.

    Formula: (mean_in + mean_out) / 2. Shape: (n,). Undefined (NaN): no model on a side.
    Reference: Zarifzadeh et al. 2024 (2312.03262), section 3.

    Args:
        references: Probability of each sample under each model, (n, models); NaN where none.
        inside: Whether a model was trained on a sample, (n, models).
    """
    by_model, was_in = np.asarray(references, dtype=float), np.asarray(inside, dtype=bool)
    return (_means(by_model, was_in) + _means(by_model, ~was_in)) / 2


def mean_probability_offline(references: npt.ArrayLike, inside: npt.ArrayLike, a: float) -> Floats:
    """The same from models that did not see the sample, the others guessed from them.

    Formula: (1 + a)/2 mean_out + (1 - a)/2. Shape: (n,). Undefined (NaN): no model without the
    sample. Never mix it with the online one in one ratio: the guess is the higher of the two.
    Reference: Zarifzadeh et al. 2024 (2312.03262), appendix B.2.

    Args:
        references: Probability of each sample under each model, (n, models); NaN where none.
        inside: Whether a model was trained on a sample, (n, models).
        a: How strongly models remember, in [0, 1]; 1 when not at all.
    """
    by_model, was_in = np.asarray(references, dtype=float), np.asarray(inside, dtype=bool)
    return (1 + a) / 2 * _means(by_model, ~was_in) + (1 - a) / 2


def rmia(ratios: npt.ArrayLike, population_ratios: npt.ArrayLike, gamma: float = 2.0) -> Floats:
    """Share of population samples z that a sample x beats: (p(x)/p_(x)) / (p(z)/p_(z)) > gamma.

    Range: [0, 1]. Shape: (n,). Undefined (NaN): no population, or a NaN ratio.
    Reference: Zarifzadeh et al. 2024 (2312.03262), definition 1.

    Args:
        ratios: p(x) under the model at hand over its mean probability, (n,).
        population_ratios: The same of samples known not to be members, (m,).
        gamma: By how much x must beat z, at least 1.
    """
    asked = np.asarray(ratios, dtype=float)
    others = np.sort(np.asarray(population_ratios, dtype=float))
    others = others[~np.isnan(others)]
    if not others.size:
        return np.full(asked.shape, np.nan)
    beaten = np.searchsorted(others * gamma, asked, side="left") / others.size
    return np.where(np.isnan(asked), np.nan, beaten)


def _checked(
    target: npt.ArrayLike, references: npt.ArrayLike, inside: npt.ArrayLike
) -> tuple[Floats, Floats, Booleans]:
    phi, by_model = np.asarray(target, dtype=float), np.asarray(references, dtype=float)
    was_in = np.asarray(inside, dtype=bool)
    if by_model.ndim != 2 or by_model.shape != was_in.shape or by_model.shape[:1] != phi.shape:
        raise ValueError("references and inside must be (samples, models), target (samples,)")
    return phi, by_model, was_in


def _means(by_model: Floats, kept: Booleans) -> Floats:
    """Mean of each row over the kept models that have a value; NaN for none."""
    usable = kept & ~np.isnan(by_model)
    sums = np.where(usable, by_model, 0.0).sum(axis=1)
    counts = usable.sum(axis=1)
    return np.asarray(sums / np.where(counts, counts, np.nan), dtype=float)


def _moments(by_model: Floats, kept: Booleans, shared: bool) -> tuple[Floats, Floats]:
    """Mean and population deviation of each row; the deviation NaN where there is no spread."""
    usable = kept & ~np.isnan(by_model)
    counts = usable.sum(axis=1)
    mean = _means(by_model, kept)
    squares = np.where(usable, (by_model - mean[:, None]) ** 2, 0.0).sum(axis=1)
    enough = counts >= 2
    if shared:
        total = float(counts[enough].sum())
        variance = np.full(len(mean), squares[enough].sum() / total if total else np.nan)
        mean = np.where(counts > 0, mean, np.nan)
    else:
        variance = squares / np.where(enough, counts, np.nan)
    return mean, np.sqrt(np.where(variance > 0, variance, np.nan))
