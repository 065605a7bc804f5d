"""Do the scores lie where the thing is? Measures against a known region; and no others.

Negative scores speak against the target and count as nothing, as in Grad-CAM's evaluation. By
chance every measure here but the pointing game's tie rule is the region's share of the cells;
``lift`` divides by it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata


def pointing(scores: npt.ArrayLike, inside: npt.ArrayLike) -> float:
    """Whether the highest score lies inside; of equal ones, the share that does.

    Range [0, 1], higher is better; by chance the region's share of the cells.
    Reference: Zhang et al. 2018, Top-down neural attention by excitation backprop.
    """
    values, region = _cells(scores, inside)
    return float(region[values == values.max()].mean())


def mass_inside(scores: npt.ArrayLike, inside: npt.ArrayLike) -> float:
    """The share of the positive scores that lies inside (relevance mass accuracy).

    Range [0, 1]; NaN without a positive score. Reference: Arras et al. 2022, CLEVR-XAI.
    """
    values, region = _cells(scores, inside)
    positive = np.maximum(values, 0.0)
    return float(positive[region].sum() / positive.sum()) if positive.sum() > 0 else math.nan


def rank_inside(scores: npt.ArrayLike, inside: npt.ArrayLike) -> float:
    """Of as many highest scores as the region has cells, the share inside it; ties share.

    Range [0, 1]. Reference: Arras et al. 2022, relevance rank accuracy.
    """
    _, region = _cells(scores, inside)
    return top_inside(scores, inside, int(region.sum()))


def top_inside(scores: npt.ArrayLike, inside: npt.ArrayLike, k: int) -> float:
    """The share of the k highest scores that lies inside; cells tied for the last place share it.

    Range [0, 1]. Reference: Theiner et al. 2022, top-k intersection.
    """
    values, region = _cells(scores, inside)
    if k < 1:
        return math.nan
    last = np.sort(values)[-k]
    above, level = values > last, values == last
    return float((region[above].sum() + (k - above.sum()) * region[level].mean()) / k)


def area_under_roc(scores: npt.ArrayLike, inside: npt.ArrayLike) -> float:
    """How often a cell inside has a higher score than one outside, ties counting half.

    Range [0, 1], by chance 0.5; NaN where all cells are inside or outside.
    """
    values, region = _cells(scores, inside)
    n_inside, n_outside = int(region.sum()), int((~region).sum())
    if not n_inside or not n_outside:
        return math.nan
    ranks = rankdata(values)[region].sum() - n_inside * (n_inside + 1) / 2
    return float(ranks / (n_inside * n_outside))


def lift(share: float, inside: npt.ArrayLike) -> float:
    """A share inside, over the region's share of the cells: 1 is what a blind explainer gets."""
    return share / float(np.mean(np.asarray(inside, dtype=float)))


def _cells(
    scores: npt.ArrayLike, inside: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values = np.asarray(scores, dtype=float).reshape(-1)
    region = np.asarray(inside, dtype=bool).reshape(-1)
    if len(values) != len(region):
        raise ValueError(f"{len(values)} scores but {len(region)} cells in the region")
    return values, region
