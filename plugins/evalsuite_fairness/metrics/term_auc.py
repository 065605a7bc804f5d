"""Areas under the ROC curve within and across a subgroup, with errors that respect clusters.

Every area comes with its influence: how much each row moves it. Sums of influences over clusters
give the standard error of an area, of the difference of two areas over overlapping rows, and of a
mean of areas, without resampling (for independent rows this is DeLong's variance).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtr, ndtri

from evalsuite.statistics import Interval, clopper_pearson

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
KindOfArea: TypeAlias = Literal["subgroup", "BPSN", "BNSP"]


@dataclass(frozen=True, eq=False)
class Area:
    """An area under the ROC curve over some of the rows, or a smooth function of several.

    Attributes:
        value: The area; NaN without positives or negatives.
        influence: Of every row, 0 for those that take no part; sums to 0, (n,).
        n_positive, n_negative: Rows that take part.
    """

    value: float
    influence: Floats
    n_positive: int
    n_negative: int

    def standard_error(self, clusters: Integers | None) -> float:
        """From the spread of the influences' sums over rows, or over whole clusters."""
        return _error(self.influence, clusters)

    def interval(self, clusters: Integers | None, level: float = 0.95) -> Interval:
        """Normal on the logit scale; exact over disjoint pairs where classes are separated.

        Undefined: fewer than two positives or negatives, or fewer than two clusters.
        """
        smaller = min(self.n_positive, self.n_negative)
        if clusters is not None:
            taking_part = self.influence != 0
            n_clusters = len(np.unique(clusters[taking_part])) if taking_part.any() else smaller
            smaller = min(smaller, n_clusters)
        if smaller < 2:
            return Interval.undefined("fewer than two units to compare", level=level)
        if self.value in (0.0, 1.0):
            return clopper_pearson(int(self.value) * smaller, smaller, level)
        half = -float(ndtri((1 - level) / 2)) * self.standard_error(clusters)
        half /= self.value * (1 - self.value)
        centre = float(logit(self.value))
        method = "DeLong" if clusters is None else "clustered DeLong"
        return Interval(float(expit(centre - half)), float(expit(centre + half)), level, method)


def area_of(scores: Floats, is_positive: Flags, among: Flags) -> Area:
    """Chance that a positive scores above a negative among some rows, ties counted half.

    Influence of a positive: (share of negatives below it - area) / n₊, ties half; of a negative
    the mirror image. Undefined (NaN): no positives or no negatives.
    References: Hanley & McNeil 1982; DeLong et al. 1988; clusters: Obuchowski 1997, Biometrics 53.
    """
    influence = np.zeros(len(scores))
    yes, no = among & is_positive, among & ~is_positive
    n_yes, n_no = int(yes.sum()), int(no.sum())
    if not n_yes or not n_no:
        return Area(math.nan, influence, n_yes, n_no)
    above = _share_below(scores[yes], scores[no])
    beaten = 1 - _share_below(scores[no], scores[yes])
    value = float(above.mean())
    influence[yes] = (above - value) / n_yes
    influence[no] = (beaten - value) / n_no
    return Area(value, influence, n_yes, n_no)


def members(kind: KindOfArea, is_member: Flags, is_positive: Flags) -> Flags:
    """The rows of one of the three areas of a subgroup (Borkan et al. 2019).

    subgroup: its rows alone. BPSN: background positives, subgroup negatives; low where harmless
    texts of the subgroup score high. BNSP: background negatives, subgroup positives; low where
    harmful texts of the subgroup score low.
    """
    if kind == "subgroup":
        return is_member
    same = is_member == is_positive
    return same if kind == "BNSP" else ~same


def p_value_below(area: Area, reference: Area, clusters: Integers | None) -> float:
    """One-sided p-value that an area is not below another one over overlapping rows.

    Φ(z), z the difference over its standard error, whose influences are those of the difference.
    NaN where the difference does not vary, unless it is 0 (then 1).
    """
    difference = area.value - reference.value
    error = _error(area.influence - reference.influence, clusters)
    if error > 0:
        return float(ndtr(difference / error))
    return 1.0 if difference == 0 else math.nan


def generalised_mean(areas: Sequence[Area], power: float) -> Area:
    """(mean of areas^power)^(1/power): near the worst areas for a large negative power.

    Range: [0, 1]; 0 as soon as one area is, for negative powers. Influence by the delta method.
    Undefined: no areas. Reference: Borkan et al. 2019, with power -5 as in the Jigsaw challenge.
    """
    if not areas:
        return Area(math.nan, np.empty(0), 0, 0)
    values = np.array([area.value for area in areas])
    smallest = int(min(min(area.n_positive, area.n_negative) for area in areas))
    if values.min() <= 0 and power < 0:
        return Area(0.0, np.zeros_like(areas[0].influence), smallest, smallest)
    mean = float(np.mean(values**power) ** (1 / power))
    slopes = values ** (power - 1) * mean ** (1 - power) / len(values)
    influence = sum(slope * area.influence for slope, area in zip(slopes.tolist(), areas))
    return Area(mean, np.asarray(influence), smallest, smallest)


def _share_below(scores: Floats, others: Floats) -> Floats:
    """Of each score the share of others below it, equal ones half."""
    ordered = np.sort(others)
    left = np.searchsorted(ordered, scores, side="left")
    right = np.searchsorted(ordered, scores, side="right")
    return np.asarray((left + right) / 2 / len(ordered))


def _error(influence: Floats, clusters: Integers | None) -> float:
    sums = influence if clusters is None else np.bincount(clusters, influence)
    sums = sums[sums != 0]
    if len(sums) < 2:
        return 0.0
    return math.sqrt(len(sums) / (len(sums) - 1) * float(np.sum(sums**2)))
