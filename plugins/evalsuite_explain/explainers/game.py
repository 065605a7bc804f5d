"""The game that features play: what a target is worth with some of them taken away.

Whoever explains yields requests, as a probe does, so that masked inputs of all samples are asked
together, equal ones once.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite import Request
from evalsuite.content import Content
from evalsuite_explain.inputs.features import Presence
from evalsuite_explain.targets import Target

Scores: TypeAlias = npt.NDArray[np.float64]
# By how much of the total the scores of a complete explainer may miss it.
COMPLETENESS_TOLERANCE = 0.01
Explaining: TypeAlias = Generator[Any, Any, "Explanation"]


class Divided(Protocol):
    """An input that can be shown in part; the features of one medium or of several jointly."""

    def __len__(self) -> int:
        """Number of features."""
        ...

    def showing(self, present: Presence) -> Content:
        """The input with only the features that are present [n]."""
        ...


@dataclass(frozen=True, eq=False)
class Explanation:
    """One score for each feature.

    Attributes:
        scores: Shape [features]; a positive one speaks for the target.
        total: What all features together change: f(all) - f(none).
        n_steps: Points of an integral along a path; 0 where there is none.
    """

    scores: Scores
    total: float
    n_steps: int = 0

    @property
    def completeness_error(self) -> float:
        """|sum of the scores - total|; 0 for an explainer that shares out what there is."""
        return abs(float(self.scores.sum()) - self.total)

    @property
    def relative_error(self) -> float:
        """The completeness error as a share of the total, of one of at least a millionth."""
        return self.completeness_error / max(abs(self.total), 1e-6)


@dataclass(frozen=True)
class Game:
    """A target, and the features that it depends on.

    Attributes:
        features: The divided input.
        target: What is explained.
    """

    features: Any
    target: Target

    def values(self, coalitions: npt.NDArray[np.bool_]) -> Generator[Any, Any, Scores]:
        """Ask for the target's score with only some features present.

        Args:
            coalitions: Which features are present, shape [coalitions, features]; equal rows are
                asked once.

        Returns:
            Shape [coalitions].
        """
        distinct, inverse = np.unique(coalitions, axis=0, return_inverse=True)
        questions = [self.target.requests(self.features.showing(row)) for row in distinct]
        flat: tuple[Request, ...] = tuple(request for own in questions for request in own)
        replies = iter((yield flat))
        scores = [self.target.score([next(replies) for _ in own]) for own in questions]
        return np.array(scores, dtype=float)[inverse.reshape(-1)]


def leave_out(groups: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Coalitions that lack one group each, after the one of all [groups + 1, features]."""
    return np.vstack([np.ones((1, groups.shape[1]), dtype=bool), ~groups])
