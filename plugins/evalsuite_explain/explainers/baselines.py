"""Explainers that know nothing of the model: what any other has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalsuite_explain.explainers.game import Explaining, Explanation, Game


@dataclass(frozen=True)
class RandomScores:
    """Scores drawn from a standard normal, by the sample and nothing else."""

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One score for each feature; two evaluations, for the total."""
        n = len(game.features)
        ends = np.array([np.zeros(n, dtype=bool), np.ones(n, dtype=bool)])
        values = yield from game.values(ends)
        return Explanation(rng.standard_normal(n), float(values[1] - values[0]))
