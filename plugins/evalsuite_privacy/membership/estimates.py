"""From the records of a membership probe to estimates of all its attacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Counted, Estimate, Null, Table, undefined
from evalsuite.statistics import weighted_auc
from evalsuite_privacy.guard import Split
from evalsuite_privacy.membership.attacked import AREA, LEAK, Attacked

BLIND_AREA = "blind AUC"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MembershipMetrics:
    """How well attacks tell members from non-members, beyond what the inputs tell.

    For every attack (a slice each): its AUC beyond the blind classifier's; its AUC, the chance
    that a random member scores above a random non-member, ties half; balanced accuracy at a
    threshold chosen on other samples; and true-positive rates at 1 % and 0.1 % false positives,
    which fewer than 1,000 and 10,000 non-members cannot show. The whole is the attack with the
    largest AUC: an adversary would choose it too, and the intervals are widened for the choice
    (Bonferroni).

    A split that the inputs give away shows nothing of the model: the leak is then undefined, and
    no AUC has a null to differ from. Undefined: only members or only non-members.

    Attributes:
        attacks: Columns with scores, higher for members.
        cluster_by: Column of the resampling unit; samples are the unit without it.
    """

    attacks: tuple[str, ...]
    cluster_by: str = ""
    name: str = "membership"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, leak first; the blind classifier; then the attacks one after another."""
        table = table.where(~np.isnan(table.numbers("blind")))  # all but a population to compare
        member = table.numbers("member").astype(bool)
        if member.all() or not member.any():
            return [undefined(LEAK, "needs members and non-members", is_primary=True)]
        blind = table.numbers("blind")
        split = Split.of(blind, member, clusters=self._clusters(table), rng=rng)
        parts = [self._attacked(table, attack, split) for attack in self.attacks]
        usable = [part for part in parts if not math.isnan(part.auc)]
        if not usable:
            return [undefined(LEAK, "no attack has a score", is_primary=True), _blind(split, table)]
        level = 1 - 0.05 / len(usable)
        whole = replace(max(usable, key=lambda part: part.auc), slice="", level=level)
        estimates = [*whole.estimates(rng), _blind(split, table)]
        for part in parts:
            estimates += part.estimates(rng)
        return estimates

    @property
    def clusters(self) -> str | None:
        """The column of samples that a comparison draws together."""
        return self.cluster_by or None

    def counted(self, table: Table) -> Counted | None:
        """Leaks and areas as functions of how often each sample occurs; None without two classes.

        They are those of ``estimate``, but for a worthless split, whose leak is a number here.
        """
        member, blind = table.numbers("member"), table.numbers("blind")
        compared = member[~np.isnan(blind)]
        if compared.all() or not compared.any():
            return None
        slices = ("", *(f"attack={attack}" for attack in self.attacks))
        return Counted(
            ((BLIND_AREA, ""), *((name, part) for part in slices for name in (LEAK, AREA))),
            np.stack([member, blind, *map(table.numbers, self.attacks)], axis=1),
            _leaks_and_areas,
        )

    def _attacked(self, table: Table, attack: str, split: Split) -> Attacked:
        kept = ~np.isnan(table.numbers(attack))
        part = table.where(kept)
        return Attacked(
            attack=attack,
            scores=part.numbers(attack),
            blind=part.numbers("blind"),
            member=part.numbers("member").astype(bool),
            clusters=self._clusters(part),
            split=split,
            n_without=int((~kept).sum()),
            slice=f"attack={attack}",
        )

    def _clusters(self, table: Table) -> Any:
        """The unit of each sample; None where every sample is one, which has closed forms."""
        if not self.cluster_by:
            return None
        labels = np.array([str(label) for label in table[self.cluster_by]])
        return labels if len(set(labels)) < len(labels) else None


def _leaks_and_areas(columns: Floats, counts: Floats) -> Floats:
    """The blind area, the strongest attack's leak and area, and those of each attack.

    Args:
        columns: Membership, blind scores and those of each attack, (n, 2 + attacks).
        counts: How often each sample occurs, (draws, n).

    Returns:
        Values (draws, 3 + 2 * attacks).
    """
    compared = ~np.isnan(columns[:, 1])
    columns, counts = columns[compared], counts[:, compared]
    inputs = weighted_auc(columns[:, [1, 0]], counts)
    leaks, areas = [], []
    for place in range(2, columns.shape[1]):
        scored = ~np.isnan(columns[:, place])
        rows, times = (columns, counts) if scored.all() else (columns[scored], counts[:, scored])
        known = inputs if scored.all() else weighted_auc(rows[:, [1, 0]], times)
        areas.append(weighted_auc(rows[:, [place, 0]], times))
        leaks.append(areas[-1] - np.maximum(known, 0.5))
    each = np.stack([leaks, areas])  # (2, attacks, draws)
    strongest = np.where(np.isnan(each[1]), -np.inf, each[1]).argmax(axis=0)
    whole = each[:, strongest, np.arange(len(counts))]
    return np.concatenate([inputs[None], whole, *each.swapaxes(0, 1)]).T


def _blind(split: Split, table: Table) -> Estimate:
    """The blind classifier's own area."""
    return Estimate(
        BLIND_AREA,
        split.auc,
        split.interval.low,
        split.interval.high,
        method=split.interval.method,
        n=table.n,
        direction="closer to null is better",
        null=Null(0.5, margin=0.05, side="above", why="inputs say nothing of membership"),
        extra={"warning": split.warning},
    )
