"""Occlusion: how much the target falls without one feature, or a window of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import UsageError
from evalsuite_explain.explainers.game import Explaining, Explanation, Game, Scores, leave_out


@dataclass(frozen=True)
class Occlusion:
    """f(all) - f(all but a window); a feature's score is the mean over the windows it lies in.

    Needs n + 2 evaluations. Not complete where features act together. Windows slide by one word
    or moment, or over the rows and columns of a grid.
    Reference: Zeiler and Fergus 2014, section 2; Li et al. 2016, Understanding by erasure.

    Args:
        window: Features on a side of what is taken away at once.
    """

    window: int = 1

    def __post_init__(self) -> None:
        """Refuse a window of nothing."""
        if self.window < 1:
            raise UsageError(f"window must be 1 or more (got {self.window}).")

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One score for each feature."""
        del rng
        groups = windows(len(game.features), getattr(game.features, "grid", (0, 0)), self.window)
        nothing = np.zeros((1, groups.shape[1]), dtype=bool)
        values = yield from game.values(np.vstack([leave_out(groups), nothing]))
        drops = values[0] - values[1:-1]
        return Explanation(mean_over_windows(drops, groups), float(values[0] - values[-1]))


def windows(n: int, grid: tuple[int, int], size: int) -> Any:
    """Which features each window covers, bool [windows, n]; every feature lies in one or more."""
    rows, columns = grid if grid[0] * grid[1] == n and n else (1, n)
    down, across = min(size, rows), min(size, columns)
    covered = []
    for top in range(rows - down + 1):
        for left in range(columns - across + 1):
            cells = np.zeros((rows, columns), dtype=bool)
            cells[top : top + down, left : left + across] = True
            covered.append(cells.reshape(-1))
    return np.array(covered).reshape(-1, n)


def mean_over_windows(drops: Scores, groups: Any) -> Scores:
    """Each feature's mean drop over the windows that cover it [n]."""
    return np.asarray(drops @ groups / groups.sum(axis=0))
