"""One attack on one set of samples: what a report may say of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, undefined
from evalsuite.statistics import (
    Interval,
    asks_only_values,
    auc_interval,
    cross_fitted_balanced_accuracy,
    roc_auc,
    tpr_at_fpr,
)
from evalsuite_privacy.guard import Split, leak_beyond_inputs

LEAK = "leak beyond inputs"
AREA = "attack AUC"
LOW_RATES = {
    0.01: "true positives at 1 % false positives",
    0.001: "true positives at 0.1 % false positives",
}
_GUESSING = Null(0.5, margin=0.03, side="above", why="guessing")
_NO_MOMENTS = "the model gives no moments of log p over its vocabulary, or all texts are too short"
_NO_SCORE = {
    "min_k": "every text is too short for its share of tokens",
    "min_k_plus_plus": _NO_MOMENTS,
    "max_entropy": _NO_MOMENTS,
    "filled_neighbourhood": "the filler exchanges no token of any text",
    "lowercase": "every text is in lower case already",
}


@dataclass(frozen=True, eq=False)
class Attacked:
    """One attack's scores beside the blind ones, on the samples that have a score.

    Attributes:
        attack: Its name.
        scores: Higher for members, (n,).
        blind: Of the blind classifier, (n,).
        member: Whether each sample was trained on, (n,).
        clusters: Label of the resampling unit of each sample, (n,), or None.
        split: What the blind classifier says of the whole split.
        n_without: Samples that have no score.
        slice: How the report calls this part; empty for the whole.
        level: Of the intervals.
    """

    attack: str
    scores: npt.NDArray[np.float64]
    blind: npt.NDArray[np.float64]
    member: npt.NDArray[np.bool_]
    clusters: npt.NDArray[np.object_] | None
    split: Split
    n_without: int
    slice: str
    level: float = 0.95

    @property
    def auc(self) -> float:
        """Area under the curve; NaN where a class has no score."""
        return roc_auc(self.scores, self.member) if len(self.scores) else math.nan

    def estimates(self, rng: np.random.Generator) -> Iterator[Estimate]:
        """The leak, then AUC, balanced accuracy and the rates at few false positives."""
        if math.isnan(self.auc):
            reason = _NO_SCORE.get(self.attack, "no members or no non-members have a score")
            yield undefined(LEAK, reason, slice=self.slice, extra=self._facts())
            return
        yield self._leak(rng)
        options = {"clusters": self.clusters, "rng": rng, "level": self.level}
        own = auc_interval(self.scores, self.member, **options)
        yield self._made(AREA, self.auc, own, self._null(_GUESSING))
        if asks_only_values():  # cross-fitting takes most of the time, hundreds of times over
            return
        accuracy = cross_fitted_balanced_accuracy(
            self.scores, self.member, rng=rng, level=self.level
        )
        null = self._null(_GUESSING)
        yield self._made("balanced accuracy", accuracy.value, accuracy.interval, null)
        for rate, name in LOW_RATES.items():
            point = tpr_at_fpr(self.scores, self.member, rate, level=self.level)
            null = self._null(Null(rate, margin=rate, side="above", why="guessing"))
            yield self._made(name, point.value, point.interval, null, reason=point.reason)

    def _leak(self, rng: np.random.Generator) -> Estimate:
        """AUC beyond the inputs; undefined, with the difference aside, on a worthless split."""
        leak = leak_beyond_inputs(
            self.scores,
            self.blind,
            self.member,
            clusters=self.clusters,
            rng=rng,
            level=self.level,
        )
        if self.split.warning is not None:
            return undefined(
                LEAK,
                self.split.warning,
                slice=self.slice,
                is_primary=not self.slice,
                direction="lower is better",
                n=len(self.member),
                extra=self._facts(auc_minus_blind_auc=leak.value, blind_auc=self.split.auc),
            )
        null = Null(0.0, margin=0.05, side="above", why="the model adds nothing to the inputs")
        return self._made(LEAK, leak.value, leak.interval, null, blind_auc=self.split.auc)

    def _null(self, null: Null) -> Null | None:
        """The null, but none on a split whose inputs explain what differs from it."""
        return None if self.split.is_worthless else null

    def _made(
        self,
        name: str,
        value: float,
        interval: Interval,
        null: Null | None,
        *,
        reason: str | None = None,
        **more: float,
    ) -> Estimate:
        return Estimate(
            name,
            value,
            interval.low,
            interval.high,
            level=interval.level,
            method=interval.described,
            n=len(self.member),
            slice=self.slice,
            direction="lower is better",
            null=null,
            is_primary=name == LEAK and not self.slice,
            reason=reason,
            extra=self._facts(**more),
        )

    def _facts(self, **more: float) -> Mapping[str, Any]:
        return {
            "attack": None if self.slice else self.attack,
            "n_members": int(self.member.sum()),
            "n_non_members": int((~self.member).sum()),
            "n_without_score": self.n_without or None,
            "warning": self.split.warning,
            **more,
        }
