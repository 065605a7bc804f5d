"""What is measured of a ranking of an input's features: curves, areas, and what scores foresee."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite import UsageError
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.measures.bounds import (
    MOST_EXACT,
    Bounds,
    beam_bounds,
    erasing_area,
    every_coalition,
    exact_bounds,
    steps_of,
)
from evalsuite_explain.measures.faithfulness import (
    area_over_perturbation,
    curve_area,
    curve_counts,
    normalised_area,
    ranking,
    top_counts,
)
from evalsuite_explain.measures.fidelity import sensitivity_n, unexplained_share
from evalsuite_explain.probes.subjects import Subject

Scores: TypeAlias = npt.NDArray[np.float64]
# Column of a record, what it is called, which way is better.
MEASURES: tuple[tuple[str, str, Any], ...] = (
    ("deletion_area", "deletion area", "lower is better"),
    ("insertion_area", "insertion area", "higher is better"),
    ("comprehensiveness", "comprehensiveness", "higher is better"),
    ("at_1", "comprehensiveness at 1 %", "higher is better"),
    ("sufficiency", "sufficiency", "lower is better"),
    ("normalised_area", "normalised area of erasing", "higher is better"),
    ("unexplained", "infidelity", "lower is better"),
    ("sensitivity_n", "sensitivity-n", "higher is better"),
)
_Rows: TypeAlias = Mapping[str, float]


@dataclass(frozen=True)
class Curves:
    """The answer while features are taken away or put back in one order.

    Attributes:
        counts: Of features that are taken away, or put back, at each point [points].
        deletion: The answer without so many of the first [points].
        insertion: The answer with only so many of the first [points].
    """

    counts: tuple[int, ...]
    deletion: Scores
    insertion: Scores

    @property
    def shares(self) -> list[float]:
        """The counts as shares of all features [points]."""
        return [count / self.counts[-1] for count in self.counts]

    def measures(self) -> dict[str, float]:
        """Areas, and the drops at the usual fractions."""
        full = float(self.deletion[0])
        tops = [self.counts.index(count) for count in top_counts(self.counts[-1])]
        without, only = self.deletion[tops].tolist(), self.insertion[tops].tolist()
        return {
            "deletion_area": curve_area(self.deletion.tolist(), self.shares),
            "insertion_area": curve_area(self.insertion.tolist(), self.shares),
            "comprehensiveness": area_over_perturbation(full, without),
            "at_1": full - without[0],
            "sufficiency": area_over_perturbation(full, only),
        }


@dataclass(frozen=True)
class Measured:
    """What one ranking reached, or several on average.

    Attributes:
        values: Column to value, those of MEASURES; NaN where undefined.
        curves: Of deletion and insertion.
    """

    values: _Rows
    curves: Curves

    @classmethod
    def mean(cls, several: Sequence[Measured]) -> Measured:
        """The mean of each measure, and of the curves point by point."""
        first = several[0]
        values = {
            name: float(np.mean([one.values[name] for one in several])) for name in first.values
        }
        deletion, insertion = (
            np.mean([getattr(one.curves, kind) for one in several], axis=0)
            for kind in ("deletion", "insertion")
        )
        return cls(values, Curves(first.curves.counts, deletion, insertion))

    def over(self, random: Measured) -> dict[str, float]:
        """By how much it is better than a random explainer."""
        own, chance = self.values, random.values
        return {
            "deletion_gain": chance["deletion_area"] - own["deletion_area"],
            "insertion_gain": own["insertion_area"] - chance["insertion_area"],
            "gain": own["comprehensiveness"] - chance["comprehensiveness"],
            "area_gain": own["normalised_area"] - chance["normalised_area"],
        }

    def drawn(self, random: Measured) -> dict[str, str]:
        """The curves beside those of a random explainer, as the report draws them."""
        own, chance = self.curves, random.curves
        return {
            "curve": _points(own.shares, own.deletion, chance.deletion),
            "insertion_curve": _points(own.shares, own.insertion, chance.insertion),
        }


def _points(shares: Sequence[float], own: Scores, random: Scores) -> str:
    rows = zip(shares, own.tolist(), random.tolist(), strict=True)
    return json.dumps([[float(f"{value:.5g}") for value in row] for row in rows])


@dataclass(frozen=True)
class Measuring:
    """Options of a probe that measures rankings, and the asking for it.

    Args:
        steps: Points of the curves of inputs with more features than that and than ``longest``;
            others have one for each feature.
        sets: Random sets of features that are taken away, for infidelity and sensitivity-n.
        share: Of the features in each set.
        exact_up_to: Most features for exact bounds of NAOPC; they take 2 to its power of questions.
        beam: Width of the beam search for bounds of more features.
        longest: Most features for any bounds; 0 asks for none.
    """

    steps: int = 16
    sets: int = 24
    share: float = 0.25
    exact_up_to: int = 8
    beam: int = 3
    longest: int = 24

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        getattr(super(), "__post_init__", lambda: None)()
        if not 0 < self.share < 1:
            raise UsageError(f"share must lie between 0 and 1 (got {self.share}).")
        if not 0 <= self.exact_up_to <= MOST_EXACT:
            raise UsageError(
                f"exact_up_to must be from 0 to {MOST_EXACT} (got {self.exact_up_to}): exact "
                "bounds ask about every subset of the features."
            )
        if self.steps < 2 or self.sets < 2 or self.beam < 1:
            raise UsageError("steps and sets must be 2 or more, and beam 1 or more.")

    def measured(
        self, subject: Subject, every: Sequence[Scores], rng: np.random.Generator
    ) -> Generator[Any, Any, list[Measured]]:
        """Take features away in each order of scores [features], and in random sets."""
        curves = yield from self._curves(subject.game, [ranking(scores) for scores in every])
        areas = yield from self._normalised(subject.game, curves)
        foreseen = yield from self._foreseen(subject, every, rng)
        return [
            Measured({**own.measures(), "normalised_area": area, **told}, own)
            for own, area, told in zip(curves, areas, foreseen, strict=True)
        ]

    def _curves(
        self, game: Game, orders: Sequence[Sequence[int]]
    ) -> Generator[Any, Any, list[Curves]]:
        n = len(game.features)
        counts = curve_counts(n, n if n <= self.longest else self.steps)
        left = np.stack([steps_of(order)[counts] for order in orders])
        values = yield from game.values(np.vstack([*left, *~left]))
        deletions, insertions = values.reshape(2, len(orders), len(counts))
        return [Curves(tuple(counts), *pair) for pair in zip(deletions, insertions, strict=True)]

    def _normalised(self, game: Game, curves: Sequence[Curves]) -> Generator[Any, Any, list[float]]:
        if len(game.features) > self.longest:
            return [math.nan for _ in curves]
        areas = [erasing_area(own.deletion.tolist()) for own in curves]
        low, high = yield from self._bounds(game)
        # A beam may miss what one of these orders reached.
        low, high = min(low, *areas), max(high, *areas)
        return [normalised_area(area, low, high) for area in areas]

    def _bounds(self, game: Game) -> Generator[Any, Any, Bounds]:
        n = len(game.features)
        if n > self.exact_up_to:
            return (yield from beam_bounds(n, game.values, self.beam))
        return exact_bounds((yield from game.values(every_coalition(n))))

    def _foreseen(
        self, subject: Subject, every: Sequence[Scores], rng: np.random.Generator
    ) -> Generator[Any, Any, list[dict[str, float]]]:
        """How well sums of scores foresee drops of what was explained."""
        game = Game(subject.features, subject.explained)
        n = len(subject.features)
        # Sets of one would be what occlusion asks itself.
        size = min(max(2, round(self.share * n)), n - 1)
        absent = rng.random((self.sets, n)).argsort(axis=1).argsort(axis=1) < size
        values = yield from game.values(np.vstack([np.ones((1, n), dtype=bool), ~absent]))
        drops = values[0] - values[1:]
        sums = [absent @ scores for scores in every]
        return [
            {
                "unexplained": unexplained_share(own, drops),
                "sensitivity_n": sensitivity_n(own, drops),
            }
            for own in sums
        ]


def defined(value: float) -> float | None:
    """The value, or None where it is NaN: a sample without one is left out, and counted."""
    return None if math.isnan(value) else value
