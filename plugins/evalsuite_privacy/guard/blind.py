"""The blind baseline: how well do the inputs alone tell members from non-members?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
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
    number = {name: place for place, name in enumerate(sorted(set(named)))}
    together = np.array([number[name] for name in named])
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


def blind_column(
    records: Sequence[Mapping[str, Any]],
    rng: np.random.Generator,
    *,
    folds: int = 5,
    unit: str = "",
) -> npt.NDArray[np.float64]:
    """The blind scores of a probe's records, which hold ``_inputs`` and ``member``, (n,).

    Args:
        records: At least one.
        rng: Source of the shuffle.
        folds: Number of folds.
        unit: Column of what must stay in one fold besides copies; empty for nothing else.
    """
    return blind_scores(
        [record["_inputs"] for record in records],
        np.array([record["member"] for record in records], dtype=bool),
        rng,
        folds=folds,
        groups=[str(record[unit]) for record in records] if unit else None,
    )


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
    counts = word_counts([i.text for i in inputs])
    if not counts.shape[1]:  # no word occurs twice
        return numbers
    return hstack([MaxAbsScaler().fit_transform(counts), numbers], format="csr")


def word_counts(texts: Sequence[str]) -> csr_matrix:
    """How often each word, and each pair of neighbours, stands in each text.

    Words are what white space parts, in lower case. A word of one text only cannot tell of
    another; leaving it out changes nothing but time.

    Returns:
        Counts [texts, words and pairs], in the order of first words, then of second words. These
        are the counts of scikit-learn's CountVectorizer, in a third of the time.
    """
    words = [text.lower().split() for text in texts]
    names = sorted(set(chain.from_iterable(words)))
    number = dict(zip(names, range(len(names)), strict=True))
    lengths = [len(some) for some in words]
    n_words = sum(lengths)
    found = np.fromiter(map(number.__getitem__, chain.from_iterable(words)), np.int64, n_words)
    text_of = np.repeat(np.arange(len(texts)), lengths)
    # A pair is its first word's number and its second's; a word alone has none that is second.
    alone = found * (len(names) + 1)
    is_pair = text_of[1:] == text_of[:-1]
    terms = np.concatenate([alone, (alone[:-1] + found[1:] + 1)[is_pair]])
    return _counted(np.concatenate([text_of, text_of[1:][is_pair]]), terms, len(texts))


def _counted(rows: Any, terms: Any, n_rows: int) -> csr_matrix:
    """How often each term that two rows have stands in each row; equal entries are added up."""
    columns, n_columns = _numbered(terms)
    whole = csr_matrix((np.ones(len(rows)), (rows, columns)), (n_rows, n_columns))
    n_texts = np.bincount(whole.indices, minlength=n_columns)
    return whole[:, n_texts > 1]


def _numbered(terms: Any) -> tuple[Any, int]:
    """The rank of each term among the different ones, and how many these are.

    Where a table of all possible terms is not much longer than the terms, it spares the sorting.
    """
    n_possible = int(terms.max(initial=-1)) + 1
    if n_possible > 4 * len(terms):
        names, ranks = np.unique(terms, return_inverse=True)
        return ranks, len(names)
    is_there = np.zeros(n_possible, dtype=bool)
    is_there[terms] = True
    return (np.cumsum(is_there) - 1)[terms], int(is_there.sum())
