"""Differences of F1 between genders, and between stereotypical and other persons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Summed, Table, undefined
from evalsuite.statistics import NullDistribution, permutation_null, totals_distribution
from evalsuite_fairness.questions.name_f1 import f1

Floats = npt.NDArray[np.float64]
GENDERS = ("masculine", "feminine")
_NOTHING = "the gender of no person could be told from the translations"


def counts_of(true: Any, detected: Any) -> Floats:
    """True and false positives and false negatives, masculine then feminine, [n, 6]."""
    columns = []
    for gender in GENDERS:
        is_true, is_said = true == gender, detected == gender
        columns += [is_true & is_said, ~is_true & is_said, is_true & ~is_said]
    return np.stack(columns, axis=1).astype(float)


def gender_difference(totals: Floats) -> Floats:
    """F1 masculine minus F1 feminine of totals [..., 6]; NaN where a gender has no person."""
    return np.asarray(f1(totals[..., :3]) - f1(totals[..., 3:]))


def macro_f1(totals: Floats) -> Floats:
    """Mean of both genders' F1 of totals [..., 6]."""
    return np.asarray((f1(totals[..., :3]) + f1(totals[..., 3:])) / 2)


@dataclass(frozen=True, eq=False)
class _Persons:
    """Persons whose gender is known and whose profession can be found."""

    counts: Floats
    stereotypes: npt.NDArray[Any]
    clusters: npt.NDArray[Any] = field(repr=False)
    n_told: int = 0
    is_kept: npt.NDArray[np.bool_] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, table: Table) -> _Persons:
        """The rows that have an outcome."""
        is_kept = ~np.isnan(table.numbers("is_right"))
        part = table.where(is_kept)
        true, detected, stereotypes, clusters = (
            np.array([str(item) for item in part[name]], dtype=object)
            for name in ("gender", "detected", "stereotype", "profession")
        )
        told = int(sum(detected == gender for gender in GENDERS).sum()) if part.n else 0
        return cls(counts_of(true, detected), stereotypes, clusters, told, is_kept)

    def of_all_rows(self, columns: Floats) -> Floats:
        """Columns of these persons as columns of the whole table, zero for everyone else."""
        if self.is_kept is None:
            return columns
        whole = np.zeros((len(self.is_kept), columns.shape[1]))
        whole[self.is_kept] = columns
        return whole


@dataclass(frozen=True)
class GenderF1:
    """Delta G: F1 of masculine minus F1 of feminine persons.

    Range [-1, 1]; 0 is fair, positive favours masculine. Intervals draw professions; the null
    exchanges the genders of each person, true and told, at random.
    Undefined: no gender could be told, or only one gender occurs.
    Reference: Stanovsky et al. 2019, section 4.
    """

    primary: bool = False
    name: ClassVar[str] = "Delta G, F1 masculine - feminine"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The difference, then F1 of each gender."""
        persons = _Persons.of(table)
        n = len(persons.counts)
        if not persons.n_told:
            return [undefined(self.name, _NOTHING, n=n, is_primary=self.primary)]
        totals = persons.counts.sum(axis=0)
        if not (totals[[0, 2]].sum() and totals[[3, 5]].sum()):
            reason = "only one gender occurs"
            return [undefined(self.name, reason, n=n, is_primary=self.primary)]
        value = float(gender_difference(totals))
        null = NullDistribution(_exchanged(persons.counts, 1000, rng))
        whole = _difference(
            self.name, value, persons, gender_difference, persons.counts, null, rng, self.primary
        )
        return [whole, *(self._of(persons, place, rng) for place in range(2))]

    def summed(self, table: Table) -> Iterator[Summed]:
        """As all three follow from counts."""
        persons = _Persons.of(table)
        counts = persons.of_all_rows(persons.counts)
        yield Summed(self.name, "", counts, gender_difference)
        for place, gender in enumerate(GENDERS):
            own = counts[:, 3 * place : 3 * place + 3]
            yield Summed("F1 of the gender", f"gender={gender}", own, f1)

    def _of(self, persons: _Persons, place: int, rng: np.random.Generator) -> Estimate:
        counts = persons.counts[:, 3 * place : 3 * place + 3]
        found = totals_distribution(counts, f1, clusters=persons.clusters, rng=rng).interval()
        return Estimate(
            "F1 of the gender",
            float(f1(counts.sum(axis=0))),
            found.low,
            found.high,
            method=found.described,
            unit="profession",
            n=int(counts[:, [0, 2]].sum()),
            slice=f"gender={GENDERS[place]}",
            direction="higher is better",
        )


@dataclass(frozen=True)
class StereotypeF1:
    """Delta S: macro F1 of persons as a stereotype has them minus that of persons against it.

    Range [-1, 1]; 0 is fair, positive follows stereotypes. Intervals draw professions; the null
    deals the two kinds to the sentences at random.
    Undefined: no gender could be told, or one kind does not occur.
    Reference: Stanovsky et al. 2019, section 4.
    """

    primary: bool = False
    name: ClassVar[str] = "Delta S, F1 pro - anti"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        persons = _Persons.of(table)
        is_pro, is_anti = (persons.stereotypes == side for side in ("pro", "anti"))
        kept = is_pro | is_anti
        n = int(kept.sum())
        if not is_pro.any() or not is_anti.any() or not persons.n_told:
            reason = _NOTHING if not persons.n_told else "no sentence for, or none against"
            return [undefined(self.name, reason, n=n, is_primary=self.primary)]
        counts, pro = persons.counts[kept], is_pro[kept].astype(float)
        rows = _of_both_kinds(persons)[kept]
        value = float(_stereotype_difference(rows.sum(axis=0)))
        if math.isnan(value):
            reason = "a gender has no person on one side"
            return [undefined(self.name, reason, n=n, is_primary=self.primary)]

        def dealt(values: Floats, labels: Floats) -> Floats:
            first = labels @ values
            both = np.concatenate([first, values.sum(axis=0) - first], axis=-1)
            return _stereotype_difference(both)

        null = permutation_null(dealt, counts, pro, rng=rng, permutations=1000, is_vectorised=True)
        only = _Persons(counts, persons.stereotypes[kept], persons.clusters[kept])
        return [
            _difference(self.name, value, only, _stereotype_difference, rows, null, rng,
                        self.primary)
        ]  # fmt: skip

    def summed(self, table: Table) -> Iterator[Summed]:
        """As the difference follows from counts of both kinds."""
        persons = _Persons.of(table)
        rows = persons.of_all_rows(_of_both_kinds(persons))
        yield Summed(self.name, "", rows, _stereotype_difference)


def _of_both_kinds(persons: _Persons) -> Floats:
    """Counts of persons as a stereotype has them, then of those against it, [n, 12]."""
    kinds = [persons.counts * (persons.stereotypes == kind)[:, None] for kind in ("pro", "anti")]
    return np.concatenate(kinds, axis=1)


def _stereotype_difference(totals: Floats) -> Floats:
    """Macro F1 for a stereotype minus macro F1 against it, of totals [..., 12]."""
    return np.asarray(macro_f1(totals[..., :6]) - macro_f1(totals[..., 6:]))


def _exchanged(counts: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """The difference of genders where each row's two genders are exchanged with one half."""
    swap = rng.integers(0, 2, size=(draws, len(counts))).astype(float)
    moved = swap @ counts
    kept = counts.sum(axis=0) - moved
    return gender_difference(kept + moved[:, [3, 4, 5, 0, 1, 2]])


def _difference(
    name: str,
    value: float,
    persons: _Persons,
    statistic: Any,
    rows: Floats,
    null: NullDistribution,
    rng: np.random.Generator,
    primary: bool,
) -> Estimate:
    found = totals_distribution(rows, statistic, clusters=persons.clusters, rng=rng).interval()
    return Estimate(
        name,
        value,
        found.low,
        found.high,
        method=found.described,
        unit="profession",
        n=len(rows),
        direction="closer to null is better",
        null=Null(0.0, why="alike"),
        is_primary=primary,
        extra={"p_value": null.p_value(value), "null_sd": null.sd},
    )
