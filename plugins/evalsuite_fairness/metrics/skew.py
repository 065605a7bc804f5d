"""How far the top of a ranking departs from a target distribution over groups.

A ranking is given as scores, the highest first; equal scores share the places they stand for, so
that counts are expected ones and no order of the data matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.units import chunks

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


def places(scores: Floats, k: int) -> Floats:
    """The share of each item that stands among the first k, [items] in [0, 1], summing to k.

    Items above the k-th score count whole; those that tie with it share what is left.
    """
    edge = np.partition(scores, len(scores) - k)[len(scores) - k]
    above, tied = scores > edge, scores == edge
    return np.asarray(above + tied * ((k - above.sum()) / tied.sum()), dtype=float)


def shares(weights: Floats, codes: Integers, n_groups: int) -> Floats:
    """The distribution over groups of weighted items.

    Args:
        weights: Of each item, [items].
        codes: Group of each item, one or many labellings, [..., items].
        n_groups: How many groups there are.

    Returns:
        Shape [..., groups]; sums to 1.
    """
    counts = np.stack([(codes == group) @ weights for group in range(n_groups)], axis=-1)
    return np.asarray(counts / weights.sum())


def max_skew(found: Floats, target: Floats) -> Floats:
    """Largest ln(share in the top k / target share) over groups.

    Range [0, inf): 0 where the top k has the target distribution; lower is fairer. A group that is
    absent from the top is no maximum, so its share of zero needs no rule.
    Reference: Geyik et al. 2019 (KDD), definition of MaxSkew@k.

    Args:
        found: Distributions [..., groups].
        target: The distribution aimed at, [groups], all positive.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(found / target).max(axis=-1))


def divergence(found: Floats, target: Floats) -> Floats:
    """Kullback-Leibler divergence Σ found ln(found / target) in nats, [...]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(found > 0, found * np.log(found / target), 0.0)
    return np.asarray(terms.sum(axis=-1))


def ndkl(ordered: Floats, codes: Integers, target: Floats, k: int) -> Floats:
    """Divergence of every prefix of the first k from the target, discounted by its length.

    Formula: Σᵢ KL(Dᵢ ‖ D) / log₂(i + 1) over Σᵢ 1 / log₂(i + 1), i = 1 ... k; nats.
    Range [0, inf); 0 where every prefix has the target distribution; lower is fairer; positive by
    chance, since short prefixes cannot. Reference: Geyik et al. 2019 (KDD), NDKL.

    Args:
        ordered: Scores [items]; codes are in the same order.
        codes: Group of each item, one or many labellings [..., items].
        target: [groups].
        k: Prefixes up to this length.
    """
    order = np.argsort(-ordered, kind="stable")
    values = ordered[order]
    n_groups = len(target)
    counts = np.stack(
        [np.cumsum(codes[..., order] == group, axis=-1) for group in range(n_groups)], axis=-1
    ).astype(float)
    before, after = _tie_edges(values, k)
    low = np.where((before > 0)[:, None], counts[..., before - 1, :], 0.0)
    high = counts[..., after - 1, :]
    part = ((np.arange(1, k + 1) - before) / (after - before))[:, None]
    length = np.arange(1, k + 1)[:, None]
    found = (low + (high - low) * part) / length
    discount = 1 / np.log2(np.arange(2, k + 2))
    return np.asarray(divergence(found, target) @ discount / discount.sum())


def _tie_edges(values: Floats, k: int) -> tuple[Integers, Integers]:
    """For each of the first k places: how many stand before its tie, and up to its end."""
    ascending = -values
    first = ascending[:k]
    return (
        np.searchsorted(ascending, first, side="left"),
        np.searchsorted(ascending, first, side="right"),
    )


def dealt(
    codes: Integers, clusters: Integers | None, draws: int, rng: np.random.Generator
) -> Iterator[Integers]:
    """Groups dealt anew to items, or to whole clusters (a person's pictures), in chunks.

    Args:
        codes: Group of each item, [items].
        clusters: Cluster of each item, [items]; a cluster has one group.
        draws: How many labellings.
        rng: Source of randomness.

    Yields:
        Labellings [chunk, items].
    """
    of_row = np.arange(len(codes)) if clusters is None else clusters
    of_unit = np.zeros(int(of_row.max()) + 1, dtype=np.int64)
    of_unit[of_row] = codes
    for part in chunks(draws, len(codes)):
        repeated = np.tile(of_unit, (part.stop - part.start, 1))
        yield rng.permuted(repeated, axis=1)[:, of_row]
