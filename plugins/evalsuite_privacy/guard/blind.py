"""The blind baseline: how well do the inputs alone tell members from non-members?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from evalsuite_privacy.guard.inputs import Inputs


def blind_scores(
    inputs: Sequence[Inputs],
    members: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    folds: int = 5,
    groups: Sequence[str] | None = None,
) -> npt.NDArray[np.float64]:
    """A score for every sample from a classifier of the inputs that was fitted without it.

    Logistic regression on counts of words and pairs of words and on the inputs' numbers. Samples
    that show the same are always in one fold, so that a copy cannot give another away. Samples are
    put in a canonical order first: the order in which they come must not matter.

    Where all members or all non-members are of one group, groups cannot be held out, and samples
    are: the classifier then knows the groups too, which makes it the stricter guard.

    Args:
        inputs: What is classified, length n.
        members: Whether each was in the training data, shape [n].
        rng: Source of the shuffle.
        folds: Number of folds; fewer where a class is smaller.
        groups: What must stay in one fold besides copies (documents, speakers), length n.

    Returns:
        Log-odds of membership, shape [n]; zeros where a class has fewer than two samples.
    """
    scores = np.zeros(len(inputs))
    n_folds = min(folds, int(members.sum()), int((~members).sum()))
    n_groups = _fewest_groups(groups, members)
    if n_groups > 1:
        n_folds = min(n_folds, n_groups)
    else:
        groups = None
    if n_folds < 2:
        return scores
    order = np.array(sorted(range(len(inputs)), key=lambda i: (inputs[i].key, bool(members[i]))))
    features = _features([inputs[i] for i in order])
    labels = members[order]
    named = [inputs[i].key if groups is None else groups[i] for i in order]
    together = np.unique(named, return_inverse=True)[1]
    seed = int(rng.integers(2**31 - 1))
    for train, test in _folds(labels, together, n_folds, seed):
        if len(set(labels[train])) == 2 and len(test):
            model = LogisticRegression(max_iter=1000).fit(features[train], labels[train])
            scores[order[test]] = model.decision_function(features[test])
    return scores


def _fewest_groups(groups: Sequence[str] | None, members: npt.NDArray[np.bool_]) -> int:
    """Of members or of non-members, whichever have fewer; 0 without groups."""
    if groups is None:
        return 0
    names = np.array([str(group) for group in groups], dtype=object)
    return min(len(set(names[side])) for side in (members, ~members))


def _folds(labels: Any, together: Any, n_folds: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Rows to fit on and rows to judge; dealing out groups takes long, so only where there are."""
    if len(set(together)) == len(together):
        alone = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        return alone.split(labels, labels)
    grouped = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    return grouped.split(labels, labels, together)


def _features(inputs: Sequence[Inputs]) -> Any:
    """Words, pairs of words and numbers side by side, sparse [n, features]; no label is seen."""
    numbers = csr_matrix(StandardScaler().fit_transform(np.stack([i.numbers for i in inputs])))
    # A word of one sample only cannot tell of another; leaving it out changes nothing but time.
    counter = CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2)
    try:
        words = MaxAbsScaler().fit_transform(counter.fit_transform([i.text for i in inputs]))
    except ValueError:  # no word occurs twice
        return numbers
    return hstack([words, numbers], format="csr")
