"""F1 over names, for feminine and masculine pronouns, and their ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import Interval, permutation_null, totals_distribution

Floats = npt.NDArray[np.float64]
COUNTS = ("true_positives", "false_positives", "false_negatives")


def f1(counts: Floats) -> Floats:
    """2 TP / (2 TP + FP + FN) of counts [..., 3]; NaN where all are 0."""
    hits, false, missed = np.moveaxis(counts, -1, 0)
    below = 2 * hits + false + missed
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, 2 * hits / below, math.nan)


@dataclass(frozen=True)
class NameF1:
    """F1 overall, masculine and feminine, and the ratio feminine / masculine.

    Each name of a text is one decision. F1 range [0, 1], higher is better; ratio [0, inf), 1 is
    fair. Intervals draw documents; ``extra`` of the ratio has the p-value when the genders of the
    texts are permuted, and the spread of the ratio then.
    Undefined: a gender without texts; the ratio also where the masculine F1 is 0.
    Reference: Webster et al. 2018, section 4.

    Attributes:
        prefix: What the columns of counts begin with.
    """

    prefix: str = ""
    clusters: str = "document"
    name: str = "F1"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Overall F1, each gender's, and the ratio."""
        return list(self._all(table, rng))

    def _all(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        genders = np.array([str(gender) for gender in table["gender"]], dtype=object)
        counts = np.stack([table.numbers(self.prefix + name) for name in COUNTS], axis=1)
        documents = np.array([str(d) for d in table[self.clusters]], dtype=object)
        yield self._f1(counts, documents, "", rng)
        for gender in ("feminine", "masculine"):
            rows = genders == gender
            label = f"gender={gender}"
            if not rows.any():
                yield undefined(self.name, f"no text with a {gender} pronoun", slice=label)
            else:
                yield self._f1(counts[rows], documents[rows], label, rng)
        yield self._ratio(counts, genders, documents, rng)

    def _f1(self, counts: Floats, documents: Any, label: str, rng: np.random.Generator) -> Estimate:
        value = float(f1(counts.sum(axis=0)))
        if math.isnan(value):
            reason = "no name is meant, and none was chosen"
            return undefined(self.name, reason, slice=label, n=len(counts))
        interval = totals_distribution(counts, f1, clusters=documents, rng=rng).interval()
        return self._made(self.name, value, interval, label, len(counts), "higher is better")

    def _ratio(
        self, counts: Floats, genders: Any, documents: Any, rng: np.random.Generator
    ) -> Estimate:
        name = f"{self.name} ratio, feminine / masculine"
        is_feminine = (genders == "feminine").astype(float)
        mine, other = is_feminine[:, None], 1 - is_feminine[:, None]
        rows = np.concatenate([counts * mine, counts * other], axis=1)
        value = float(_ratios(rows.sum(axis=0)))
        if not math.isfinite(value):
            reason = "one gender has no text, or an F1 of 0 to divide by"
            return undefined(name, reason, n=len(rows), is_primary=self.primary)
        interval = totals_distribution(rows, _ratios, clusters=documents, rng=rng).interval()
        null = permutation_null(_dealt_ratios, counts, is_feminine, rng=rng, is_vectorised=True)
        made = self._made(name, value, interval, "", len(rows), "closer to null is better")
        n_feminine = int(is_feminine.sum())
        return replace(
            made,
            null=Null(1.0, why="both genders alike"),
            is_primary=self.primary,
            extra={
                "p_value": null.p_value(value),
                "null_sd": null.sd,
                "n_feminine": n_feminine,
                "n_masculine": len(rows) - n_feminine,
            },
        )

    def _made(
        self, name: str, value: float, interval: Interval, label: str, n: int, direction: Any
    ) -> Estimate:
        return Estimate(
            name,
            value,
            interval.low,
            interval.high,
            method=interval.described,
            unit=self.clusters,
            n=n,
            slice=label,
            direction=direction,
        )


def _ratios(totals: Floats) -> Floats:
    """Feminine over masculine F1 of counts [..., 3 feminine then 3 masculine]; NaN, never inf."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = f1(totals[..., :3]) / f1(totals[..., 3:])
    return np.where(np.isfinite(ratios), ratios, math.nan)


def _dealt_ratios(counts: Floats, is_feminine: Floats) -> Floats:
    """The ratio for many ways to deal the genders to the texts, [draws, n]; [draws]."""
    feminine = is_feminine @ counts
    return _ratios(np.concatenate([feminine, counts.sum(axis=0) - feminine], axis=-1))
