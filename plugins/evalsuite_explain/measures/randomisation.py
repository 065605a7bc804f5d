"""Is an explanation another one where what it explains is another: other weights, another label?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from evalsuite_explain.measures.agreement import spearman


def random_logit(own: npt.ArrayLike, others: npt.ArrayLike) -> float:
    """Mean rank correlation of a label's explanation with those of other labels.

    Range [-1, 1]: 1 for an explainer that does not look at which label it explains, 0 for
    unrelated explanations, -1 where what speaks for one label speaks against the other; lower is
    better. NaN where the label's own explanation, or each of the others, ranks nothing.
    Reference: Sixt et al. 2020, When explanations lie (there by structural similarity).

    Args:
        own: Scores of the label that was found [features].
        others: Scores of other labels [labels, features].
    """
    found = [spearman(own, other) for other in np.asarray(others, dtype=float)]
    known = [value for value in found if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
