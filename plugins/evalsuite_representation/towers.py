"""Do the two towers of a model arrange the same pairs alike?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Mean, Metric, Null
from evalsuite_representation.cka import compare_representations
from evalsuite_representation.paired import PairProbe, with_columns
from evalsuite_representation.whole import Whole, WholeMetric

_PERMUTED = "pairs put together at random"


@dataclass(frozen=True)
class TowerSimilarity(PairProbe):
    """Compare how images (or clips) lie among themselves with how their captions do.

    Each different image (or clip) is used once, with its first caption.

    Args:
        medium: What the captions describe, and the field that holds it: image or audio.
        max_pairs: With more pairs than this, so many are drawn at random.
        k: Neighbours that count as near.
        permutations: Number of random pairings for the null.
    """

    k: int = 10
    permutations: int = 200

    name: ClassVar[str] = "representation/cka"
    card: ClassVar[Card] = Card(
        measures="Whether inputs that are alike for one tower are alike for the other: debiased "
        "linear CKA of all products, and the share of nearest neighbours in common; against the "
        "same for captions of other pairs.",
        does_not_measure="Whether a pair's two vectors are close: the towers may agree in "
        "different corners of the space.",
        reference="Kornblith et al. 2019, ICML; Song et al. 2012, JMLR; Nguyen et al. 2021, ICLR; "
        "Huh et al. 2024, ICML",
        critique="CKA follows the few directions of largest variance, and outliers. The biased "
        "form rises towards 1 as dimensions outnumber pairs; it is shown for comparison with "
        "published figures only.",
    )

    def __post_init__(self) -> None:
        """Refuse options without meaning."""
        super().__post_init__()
        if min(self.k, self.permutations) < 1:
            raise ValueError("k and permutations must be at least 1")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Debiased and biased CKA, and the neighbours in common."""
        return (
            WholeMetric(
                "debiased_cka",
                "debiased CKA",
                "percentile bootstrap over pairs, copies of a pair left out",
                direction="higher is better",
                side="above",
                why=_PERMUTED,
                primary=True,
            ),
            WholeMetric(
                "cka",
                "linear CKA (biased)",
                "no interval: copies in a resample add to the bias",
                direction="higher is better",
                side="above",
                why=_PERMUTED,
            ),
            Mean(
                "common_neighbours",
                name="mutual nearest neighbours",
                null=Null(0.0, side="above", why="neighbours drawn at random"),
                chance="chance",
                direction="higher is better",
            ),
        )

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Each pair's common neighbours; the first record carries the figures of all pairs."""
        del context
        if not records:
            return records
        pairs = self._pairs(records, rng)
        nothing = np.full(len(pairs), math.nan)
        if len(pairs) < 4:
            missing = Whole(math.nan, reason=f"{len(pairs)} different pairs; it takes four")
            whole = {**missing.entries("cka"), **missing.entries("debiased_cka")}
            columns = {"common_neighbours": nothing, "chance": nothing}
            return with_columns(records, pairs, columns, whole)
        found = compare_representations(
            pairs.x, pairs.y, rng=rng, k=self.k, permutations=self.permutations
        )
        interval = found.debiased.interval()
        debiased = _whole(found.debiased.observed, found.debiased_null, interval.low, interval.high)
        whole = {
            **debiased.entries("debiased_cka"),
            **_whole(found.cka, found.cka_null).entries("cka"),
        }
        chance = nothing if math.isnan(found.overlap[0]) else np.full(len(pairs), found.chance)
        columns = {"common_neighbours": found.overlap, "chance": chance}
        return with_columns(records, pairs, columns, whole)


def _whole(value: float, null: Any, low: float = math.nan, high: float = math.nan) -> Whole:
    """A similarity against its permutations; undefined where a tower gives equal vectors."""
    if math.isnan(value):
        return Whole(math.nan, reason="the vectors of a tower do not vary")
    return Whole(value, low, high, null.mean, null.p_value(value, "greater"))
