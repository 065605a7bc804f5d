"""From the records of a membership probe to estimates of all its attacks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite_privacy.guard import Split
from evalsuite_privacy.membership.attacked import LEAK, Attacked


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


def _blind(split: Split, table: Table) -> Estimate:
    """The blind classifier's own area."""
    return Estimate(
        "blind AUC",
        split.auc,
        split.interval.low,
        split.interval.high,
        method=split.interval.method,
        n=table.n,
        direction="closer to null is better",
        null=Null(0.5, margin=0.05, side="above", why="inputs say nothing of membership"),
        extra={"warning": split.warning},
    )
