"""The blind baseline: how well do the inputs alone tell members from non-members?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler


def out_of_fold_scores(
    texts: Sequence[str], members: npt.NDArray[np.bool_], folds: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A score for every text from a bag-of-words classifier that was fitted without it.

    Equal texts are always in one fold, so that a copy cannot give another away. Texts are put in a
    canonical order first: the order of the samples must not matter.

    Args:
        texts: What is classified, length n.
        members: Whether each was in the training data, shape [n].
        folds: Number of folds; fewer where a class is smaller.
        rng: Source of the shuffle.

    Returns:
        Log-odds of membership, shape [n]; zeros where a class has fewer than two texts.
    """
    scores = np.zeros(len(texts))
    n_folds = min(folds, int(members.sum()), int((~members).sum()))
    if n_folds < 2:
        return scores
    order = np.array(sorted(range(len(texts)), key=lambda i: (texts[i], bool(members[i]))))
    ordered = [texts[i] for i in order]
    groups = np.unique(ordered, return_inverse=True)[1]
    splitter = StratifiedGroupKFold(
        n_folds, shuffle=True, random_state=int(rng.integers(2**31 - 1))
    )
    for train, test in splitter.split(ordered, members[order], groups):
        if len(set(members[order][train])) < 2:
            continue
        model: Any = make_pipeline(
            CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2)),
            MaxAbsScaler(),
            LogisticRegression(max_iter=1000),
        )
        model.fit([ordered[i] for i in train], members[order][train])
        scores[order[test]] = model.decision_function([ordered[i] for i in test])
    return scores
