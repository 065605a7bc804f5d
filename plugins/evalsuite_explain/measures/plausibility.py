"""Do people and an explainer point at the same words? It says nothing of what a model does.

A plausible explanation of a model that reads something else is a false one, so these numbers stand
apart from faithfulness wherever they are shown (Jacovi and Goldberg 2020).
Reference: DeYoung et al. 2020, ERASER, section 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import auc, average_precision_score, precision_recall_curve

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Overlap:
    """Precision, recall and their harmonic mean, each in [0, 1].

    With nothing chosen precision is 0, as are recall and F1.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """2 p r / (p + r); 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def token_overlap(chosen: Iterable[int], human: Iterable[int]) -> Overlap:
    """How many chosen tokens are the people's, and how many of theirs are chosen.

    Raises ValueError where people marked nothing.
    """
    own, theirs = set(chosen), set(human)
    if not theirs:
        raise ValueError("people marked no token")
    shared = len(own & theirs)
    return Overlap(shared / len(own) if own else 0.0, shared / len(theirs))


def stretch_overlap(
    chosen: Sequence[Stretch], human: Sequence[Stretch], threshold: float = 0.5
) -> Overlap:
    """The same for stretches: one counts as found where |both| / |either| reaches the threshold.

    A chosen stretch is a hit if it meets any of the people's; one of theirs is found if any chosen
    one meets it. ERASER's code takes the number of hits for both.
    """
    if not human:
        raise ValueError("people marked no stretch")
    meets = np.array([[_iou(a, b) >= threshold for b in human] for a in chosen])
    if not len(chosen):
        return Overlap(0.0, 0.0)
    return Overlap(float(meets.any(axis=1).mean()), float(meets.any(axis=0).mean()))


def stretches(chosen: Iterable[int]) -> list[Stretch]:
    """Neighbouring tokens joined into half-open stretches, in order."""
    found: list[Stretch] = []
    for token in sorted(set(chosen)):
        if found and found[-1][1] == token:
            found[-1] = (found[-1][0], token + 1)
        else:
            found.append((token, token + 1))
    return found


def precision_recall_area(scores: npt.ArrayLike, human: npt.ArrayLike) -> float:
    """Area under the precision-recall curve by trapezoids, as ERASER has it (AUPRC).

    Range [0, 1]; NaN where people marked all tokens or none. Straight lines between points flatter
    equal scores: an explainer that says the same of every token gets (1 + share marked) / 2, which
    beats most others. ``average_precision`` gives it the share marked.

    Args:
        scores: Of each token.
        human: Whether people marked it.
    """
    marked = np.asarray(human, dtype=bool)
    if marked.all() or not marked.any():
        return math.nan
    precision, recall, _ = precision_recall_curve(marked, np.asarray(scores, dtype=float))
    return float(auc(recall, precision))


def average_precision(scores: npt.ArrayLike, human: npt.ArrayLike) -> float:
    """The same area by steps, which does not overestimate between points; NaN likewise."""
    marked = np.asarray(human, dtype=bool)
    if marked.all() or not marked.any():
        return math.nan
    return float(average_precision_score(marked, np.asarray(scores, dtype=float)))


def _iou(one: Stretch, other: Stretch) -> float:
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)
