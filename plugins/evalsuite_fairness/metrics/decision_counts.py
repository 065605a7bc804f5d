"""Counts of outcomes and decisions by group, over resamples and permutations.

A disparity needs nothing of its rows but how many of each group had which outcome and which
decision, so resamples are drawn of these counts, never of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.statistics import NullDistribution, asks_only_values, permutation_null
from evalsuite.statistics.units import chunks, is_nested, make_units, resampled_counts

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

RESAMPLES, PERMUTATIONS = 2_000, 1_000


@dataclass(frozen=True, eq=False)
class DecisionCounts:
    """Rows of binary outcomes and decisions in groups.

    Attributes:
        cells: Twice the outcome plus the decision, 0 to 3, (n,).
        codes: Group of each row, (n,), from 0 to n_groups - 1.
        n_groups: Number of groups.
        clusters: Code of the resampling unit of each row, (n,); None for independent rows.
    """

    cells: Integers
    codes: Integers
    n_groups: int
    clusters: Integers | None = None

    @property
    def n_units(self) -> Integers:
        """Resampling units of each group, (n_groups,)."""
        of_unit = np.arange(len(self.codes)) if self.clusters is None else self.clusters
        pairs = np.unique(np.stack([self.codes, of_unit]), axis=1)[0]
        return np.bincount(pairs, minlength=self.n_groups)

    def observed(self) -> Floats:
        """The counts of the data, [1, groups, outcome, decision]."""
        return self._counted(self.codes[None, :])

    def resampled(self, rng: np.random.Generator) -> Floats:
        """Counts over bootstrap resamples within groups, [draws, groups, outcome, decision].

        Clusters are drawn whole; within groups where no cluster has rows in several.
        """
        if asks_only_values():
            return self.observed()
        if self.clusters is None:
            drawn = [
                rng.multinomial(total.sum(), total / total.sum(), size=RESAMPLES)
                for total in self.observed()[0].reshape(self.n_groups, 4)
            ]
            return np.stack(drawn, axis=1).reshape(RESAMPLES, self.n_groups, 2, 2).astype(float)
        strata = self.codes if is_nested(self.clusters, self.codes) else None
        units = make_units(len(self.codes), self.clusters, strata)
        places = 4 * self.codes + self.cells
        sums = units.sums((places[:, None] == np.arange(4 * self.n_groups)).astype(float))
        parts = [
            resampled_counts(units, part.stop - part.start, rng) @ sums
            for part in chunks(RESAMPLES, len(units))
        ]
        return np.concatenate(parts).reshape(RESAMPLES, self.n_groups, 2, 2)

    def nulls(
        self, formulas: Mapping[str, Callable[[Floats], Floats]], rng: np.random.Generator
    ) -> dict[str, NullDistribution]:
        """What each formula of counts gives when groups are permuted among rows or clusters."""

        def all_of(cells: Integers, labels: Integers) -> Floats:
            del cells
            counts = self._counted(labels)
            return np.stack([formula(counts) for formula in formulas.values()], axis=1)

        found = permutation_null(
            all_of,
            self.cells,
            self.codes,
            rng=rng,
            permutations=PERMUTATIONS,
            clusters=self.clusters,
            is_vectorised=True,
        )
        if found.reason is not None:
            return dict.fromkeys(formulas, found)
        columns = found.samples.T
        return {
            name: NullDistribution(column, found.is_exact)
            for name, column in zip(formulas, columns, strict=True)
        }

    def _counted(self, labels: Integers) -> Floats:
        """Counts under labellings [draws, n], [draws, groups, outcome, decision]."""
        draws = len(labels)
        group = labels + self.n_groups * np.arange(draws)[:, None]
        counted = np.bincount((4 * group + self.cells).ravel(), minlength=4 * draws * self.n_groups)
        return counted.reshape(draws, self.n_groups, 2, 2).astype(float)


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of the groups that have them, each [draws, groups with this rate]."""

    selection: Floats
    true_positive: Floats
    false_positive: Floats
    accuracy: Floats

    @classmethod
    def of(cls, counts: Floats, has: Mapping[str, Flags]) -> Rates:
        """From counts [draws, groups, outcome, decision]; ``has`` says which groups take part."""
        n = counts.sum(axis=(2, 3))
        by_outcome = counts.sum(axis=3)
        with np.errstate(invalid="ignore", divide="ignore"):
            return cls(
                selection=(counts[:, :, :, 1].sum(axis=2) / n)[:, has["selection_rate"]],
                true_positive=(counts[:, :, 1, 1] / by_outcome[:, :, 1])[
                    :, has["true_positive_rate"]
                ],
                false_positive=(counts[:, :, 0, 1] / by_outcome[:, :, 0])[
                    :, has["false_positive_rate"]
                ],
                accuracy=((counts[:, :, 0, 0] + counts[:, :, 1, 1]) / n)[:, has["accuracy"]],
            )


def spread(rates: Floats) -> Floats:
    """Largest minus smallest of [draws, groups], [draws]; NaN with fewer than two groups."""
    if rates.shape[1] < 2:
        return np.full(len(rates), np.nan)
    return np.asarray(rates.max(axis=1) - rates.min(axis=1))


def low_over_high(rates: Floats) -> Floats:
    """Smallest over largest of [draws, groups], [draws]; NaN where all are zero."""
    if rates.shape[1] < 2:
        return np.full(len(rates), np.nan)
    with np.errstate(invalid="ignore"):
        return np.asarray(rates.min(axis=1) / rates.max(axis=1))


def lowest(rates: Floats) -> Floats:
    """Smallest of [draws, groups], [draws]; NaN with fewer than two groups."""
    return rates.min(axis=1) if rates.shape[1] > 1 else np.full(len(rates), np.nan)
