"""Where images (or clips) and their captions lie in the space that they share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Mean, Metric, Null
from evalsuite.statistics import NullDistribution, WeightedStatistic, bootstrap_distribution
from evalsuite_representation.geometry import (
    Floats,
    effective_rank,
    even_uniformity,
    k_occurrences,
    mean_cosine,
    mean_cosine_to_others,
    modality_gap,
    proximity,
    random_skewness,
    resampling_excess,
    skewness,
    squared_distances,
    squared_distances_to_others,
    swapped_gaps,
    uniformity_of,
)
from evalsuite_representation.paired import PairProbe, with_columns
from evalsuite_representation.whole import Whole, WholeMetric

_BOOTSTRAP = "percentile bootstrap over pairs, copies of a pair left out"
_RESAMPLES = 1000
_SWAPS = 1000


@dataclass(frozen=True)
class PairGeometry(PairProbe):
    """Measure gap, alignment, uniformity, cone, rank and hubs of the vectors of pairs.

    Each different image (or clip) is used once, with its first caption.

    Args:
        medium: What the captions describe, and the field that holds it: image or audio.
        max_pairs: With more pairs than this, so many are drawn at random.
        k: Neighbours that count as near, for hubs.
    """

    k: int = 10

    name: ClassVar[str] = "representation/image-text-geometry"
    card: ClassVar[Card] = Card(
        measures="How far apart the centres of the two media are; how near pairs are compared "
        "with pairs put together at random; how evenly each medium fills the sphere; how many "
        "directions it uses; and whether a few vectors are neighbours of very many.",
        does_not_measure="How well the model works: a large gap or a narrow cone may cost nothing.",
        reference="Liang et al. 2022, NeurIPS (gap, cone); Wang and Isola 2020, ICML (alignment, "
        "uniformity); Garrido et al. 2023, ICML (rank); Radovanović et al. 2010, JMLR (hubs)",
        critique="All figures depend on the data as well as on the model: few different captions "
        "make the captions' figures those of the labels. The rank grows with the number of pairs.",
    )

    def __post_init__(self) -> None:
        """Refuse options without meaning."""
        super().__post_init__()
        if self.k < 1:
            raise ValueError(f"k must be at least 1 (got {self.k})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Gap and alignment of the pairs, then what each medium has for itself."""
        gap = WholeMetric(
            "modality_gap",
            "modality gap",
            "percentile bootstrap over pairs, less the bias of its square",
            side="above",
            why="the two vectors of each pair change places at random",
            primary=True,
        )
        alignment = Mean(
            "squared_distance",
            name="alignment",
            null=Null(0.0, side="below", why="captions of other pairs"),
            chance="squared_distance_to_others",
            direction="lower is better",
            primary=True,
        )
        media = (self.medium, "text")
        return (gap, alignment, *(m for medium in media for m in _metrics_of(medium)))

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Each pair's own figures; the first record carries those of all pairs."""
        del context
        if not records:
            return records
        pairs = self._pairs(records, rng)
        if len(pairs) < 3:
            why = {"modality_gap_reason": f"{len(pairs)} different pairs; it takes three"}
            nothing = np.full(len(pairs), math.nan)
            columns = dict.fromkeys(("squared_distance", "squared_distance_to_others"), nothing)
            return with_columns(records, pairs, columns, why)
        columns = {
            "squared_distance": squared_distances(pairs.x, pairs.y),
            "squared_distance_to_others": squared_distances_to_others(pairs.x, pairs.y),
        }
        whole: dict[str, Any] = gap_of(pairs.x, pairs.y, rng).entries("modality_gap")
        sides = ((self.medium, pairs.x, pairs.y), ("text", pairs.y, pairs.x))
        for medium, own, other in sides:
            columns[f"{medium}_cosine_to_others"] = mean_cosine_to_others(own)
            columns[f"{medium}_k_occurrence"] = self._occurrences(own, other)
            for key, found in self._alone(own, columns[f"{medium}_k_occurrence"], rng):
                whole |= found.entries(f"{medium}_{key}")
        return with_columns(records, pairs, columns, whole)

    def _occurrences(self, candidates: Floats, queries: Floats) -> Floats:
        """How often each vector is near one of the other medium; NaN where all are."""
        if len(candidates) <= self.k:
            return np.full(len(candidates), math.nan)
        return k_occurrences(queries, candidates, self.k)

    def _alone(
        self, vectors: Floats, occurrences: Floats, rng: np.random.Generator
    ) -> Iterator[tuple[str, Whole]]:
        """The figures of one medium."""
        kernel, (n, dimensions) = proximity(vectors), vectors.shape
        yield (
            "uniformity",
            bootstrapped(
                vectors, lambda _, counts: uniformity_of(kernel, counts), rng,
                null=even_uniformity(dimensions),
            ),
        )  # fmt: skip
        yield "mean_cosine", bootstrapped(vectors, mean_cosine, rng, null=0.0)
        yield "effective_rank", Whole(effective_rank(vectors))
        if n <= self.k:
            yield "hubness", Whole(math.nan, reason=f"{n} pairs are not more than k = {self.k}")
            return
        hubness = bootstrapped(occurrences, skewness, rng, null=random_skewness(n, n, self.k))
        if math.isnan(hubness.value):
            hubness = replace(hubness, reason="all vectors are neighbours equally often")
        yield "hubness", hubness


def gap_of(x: Floats, y: Floats, rng: np.random.Generator) -> Whole:
    """The modality gap of paired unit rows, with interval, null and p-value.

    The interval is that of bootstrap replicates whose squares are lessened by the variance that
    resampling adds to them; the null is the mean gap when the vectors of each pair change places.
    """
    pairs = np.concatenate([x, y], axis=1)
    width = x.shape[1]

    def gap(rows: Floats, counts: Floats) -> Floats:
        return modality_gap(rows[:, :width], rows[:, width:], counts)

    found = bootstrap_distribution(pairs, gap, rng=rng, resamples=_RESAMPLES)
    squares = found.replicates**2 - resampling_excess(x, y)
    interval = replace(found, replicates=np.sqrt(np.maximum(0.0, squares))).interval()
    null = NullDistribution(swapped_gaps(x, y, _SWAPS, rng))
    p_value = null.p_value(found.observed, "greater")
    return Whole(found.observed, interval.low, interval.high, null.mean, p_value)


def bootstrapped(
    values: Floats, statistic: WeightedStatistic, rng: np.random.Generator, null: float
) -> Whole:
    """A statistic of rows with its percentile interval."""
    found = bootstrap_distribution(values, statistic, rng=rng, resamples=_RESAMPLES)
    interval = found.interval()
    return Whole(found.observed, interval.low, interval.high, null)


def _metrics_of(medium: str) -> Iterator[WholeMetric]:
    """What is said of one medium."""
    yield WholeMetric(
        f"{medium}_uniformity", f"uniformity of {medium}", _BOOTSTRAP,
        direction="lower is better", side="above", why="vectors spread evenly over the sphere",
    )  # fmt: skip
    yield WholeMetric(
        f"{medium}_mean_cosine", f"mean cosine of {medium}", _BOOTSTRAP,
        side="above", why="vectors spread evenly over the sphere",
    )  # fmt: skip
    yield WholeMetric(
        f"{medium}_effective_rank", f"effective rank of {medium}",
        "no interval: a resample has fewer different rows, and so a lower rank",
        direction="higher is better",
    )  # fmt: skip
    yield WholeMetric(
        f"{medium}_hubness", f"hubness of {medium}",
        "percentile bootstrap over vectors, each with the occurrences that it has",
        direction="lower is better", side="above", why="neighbours drawn at random",
    )  # fmt: skip
