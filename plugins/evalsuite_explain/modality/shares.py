"""What each modality contributes to a score: pure functions of values already asked for."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


def text_share(text: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Share of the text in all that features contribute, whatever their sign: MM-SHAP's T.

    Formula: sum |phi_text| / (sum |phi_text| + sum |phi_other|). Range [0, 1]; 1 for a model that
    reads only text, 0 for one that only looks or listens. It cannot tell features that add up from
    features that matter only together: both give 0.5, so read it beside the synergy.
    Undefined: nothing contributes (NaN).
    Reference: Parcalabescu and Frank 2023, ACL, MM-SHAP.

    Args:
        text: Shapley values of the words, (words,).
        other: Shapley values of the patches or moments, (cells,).
    """
    first, second = (float(np.abs(np.asarray(part, dtype=float)).sum()) for part in (text, other))
    return first / (first + second) if first + second > 0 else math.nan


def synergy(both: float, text: float, other: float, neither: float) -> float:
    """What two modalities are worth together beyond what each is worth alone.

    Formula: f(both) - f(text) - f(other) + f(neither), in units of the score. 0 where they add up;
    negative where one says what the other said already. Reference: Grabisch and Roubens 1999, the
    interaction index of two players.
    """
    return both - text - other + neither


def additive_projection(scores: npt.ArrayLike) -> Floats:
    """The best additive approximation of scores of all pairs of texts and media: EMAP.

    Formula: mean over j of f(t_i, m_j) + mean over j of f(t_j, m_i) - mean over all pairs. A model
    whose accuracy stays under it needs no interaction of the modalities on these data.
    Reference: Hessel and Lee 2020, EMNLP.

    Args:
        scores: f(t_i, m_j) for each choice, (n, n, choices).

    Returns:
        The projection of the pairs that belong together, (n, choices).
    """
    values = np.asarray(scores, dtype=float)
    return np.asarray(values.mean(axis=1) + values.mean(axis=0) - values.mean(axis=(0, 1)))


def grid_side(n_words: int) -> int:
    """Cells on a side of a picture so that they are about as many as words: ceil(sqrt(words)).

    All pixels are covered, whatever the side; a grid of whole pixels would leave a margin out.
    """
    return max(1, math.isqrt(max(0, n_words - 1)) + 1) if n_words > 1 else 1
