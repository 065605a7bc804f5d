"""Association tests over many contexts of each stimulus (CEAT)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import Estimate, Table, undefined
from evalsuite_fairness.associations.effect import NULL
from evalsuite_fairness.metrics.association import (
    Floats,
    associations,
    effect_variance,
    pooled_effect,
)


@dataclass(frozen=True, eq=False)
class Contexts:
    """Vectors [contexts, dimensions] of every stimulus of the four sets of a test."""

    sets: tuple[tuple[Floats, ...], ...]

    def drawn(self, rng: np.random.Generator) -> list[Floats]:
        """Each set with one context of each stimulus, drawn by itself."""
        return [
            np.stack([vectors[rng.integers(len(vectors))] for vectors in one]) for one in self.sets
        ]


@dataclass(frozen=True)
class PooledEffect:
    """Effect size pooled over draws of one context for each stimulus, by a random-effects model.

    Range about [-2, 2]; closer to 0 is less associated. The interval is that of the pooled mean
    over the contexts at hand; it says nothing about other targets. Undefined: no spread.
    Reference: Guo & Caliskan 2021 (CEAT), section 3.
    """

    draws: int
    name: str = "effect size pooled over contexts"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The mean over tests without an interval of its own, then each test."""
        tests = list(self._tests(table, rng))
        values = [test.value for test in tests if not math.isnan(test.value)]
        if not values:
            return [undefined(self.name, "no test has a spread of associations")]
        whole = Estimate(
            self.name,
            float(np.mean(values)),
            method="no interval: each test has its own",
            unit="draw of contexts",
            n=table.n,
            direction="closer to null is better",
        )
        return [whole, *tests]

    def _tests(self, table: Table, rng: np.random.Generator) -> Iterator[Estimate]:
        for test, contexts in zip(table["test"], table["_contexts"], strict=True):
            effects = [associations(*contexts.drawn(rng)).effect_size for _ in range(self.draws)]
            sizes = (len(contexts.sets[0]), len(contexts.sets[1]))
            yield self._one(f"test={test}", effects, sizes)

    def _one(self, slice_name: str, effects: Sequence[float], sizes: Any) -> Estimate:
        defined = [effect for effect in effects if not math.isnan(effect)]
        found = pooled_effect(defined, [effect_variance(effect, *sizes) for effect in defined])
        if math.isnan(found.effect):
            return undefined(self.name, "no spread of associations", slice=slice_name, null=NULL)
        half = 1.959963984540054 * found.standard_error
        return Estimate(
            self.name,
            found.effect,
            found.effect - half,
            found.effect + half,
            method="random effects, normal",
            unit="draw of contexts",
            n=len(defined),
            slice=slice_name,
            direction="closer to null is better",
            null=NULL,
            extra={"p_value": found.p_value, "variance_between": found.between},
        )
