"""How close a caption is to reference captions: BLEU, ROUGE-L, CIDEr-D, in plain Python.

All take words (see ``caption_words``), not text. An empty caption scores 0 everywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.captions.words import Words

Floats = npt.NDArray[np.float64]
ORDERS = 4
_SIGMA = 6.0
_BETA = 1.2


def ngrams(words: Words, order: int) -> Iterator[Words]:
    """All runs of ``order`` neighbouring words."""
    return (words[i : i + order] for i in range(len(words) - order + 1))


def _all_ngrams(words: Words) -> Iterator[Words]:
    return (gram for order in range(1, ORDERS + 1) for gram in ngrams(words, order))


# ------------------------------------------------------------------------------------------------
# BLEU
# ------------------------------------------------------------------------------------------------


def bleu_statistics(candidate: Words, references: Sequence[Words]) -> list[float]:
    """What BLEU needs of one caption; sums over captions are the corpus's.

    Returns:
        Words of the caption; words of the reference closest in length, the shorter of two; for
        each order the clipped matches; for each order the n-grams of the caption; for each order
        the n-grams of the longest reference. Shape [2 + 3 * ORDERS].
    """
    size = len(candidate)
    closest = min((abs(len(r) - size), len(r)) for r in references)[1]
    matches, totals, possible = [], [], []
    for order in range(1, ORDERS + 1):
        limit: Counter[Words] = Counter()
        for reference in references:
            limit |= Counter(ngrams(reference, order))
        matches.append(float((Counter(ngrams(candidate, order)) & limit).total()))
        totals.append(float(max(0, size - order + 1)))
        possible.append(float(max(0, max(map(len, references)) - order + 1)))
    return [float(size), float(closest), *matches, *totals, *possible]


def bleu_of(totals: Floats, order: int) -> Floats:
    """BLEU of summed statistics: exp(min(0, 1 - r/c)) times the geometric mean of precisions.

    Precisions of 1- to ``order``-grams, not smoothed: 0 where an order matches nothing. Range
    [0, 1]; higher is better. Undefined (NaN): no reference has ``order`` words, so that no
    caption could match. Reference: Papineni et al. 2002, ACL.

    Args:
        totals: Shape [draws, 2 + 3 * ORDERS].
        order: Longest n-gram that counts.
    """
    sizes, closest = totals[:, 0], totals[:, 1]
    matches = totals[:, 2 : 2 + order]
    counts = totals[:, 2 + ORDERS : 2 + ORDERS + order]
    possible = totals[:, 2 + 2 * ORDERS + order - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(counts > 0, matches / counts, 0.0)
        brevity = np.where(sizes > 0, np.minimum(0.0, 1 - closest / sizes), -np.inf)
        score = np.exp(brevity + np.log(precision).mean(axis=1))
    return np.asarray(np.where(possible > 0, score, math.nan))


# ------------------------------------------------------------------------------------------------
# ROUGE-L
# ------------------------------------------------------------------------------------------------


def rouge_l(candidate: Words, references: Sequence[Words]) -> float:
    """F-measure of the longest common subsequence, with recall weighted by beta = 1.2.

    With P = max over references of L / |caption| and R = max of L / |reference|,
    (1 + beta²) P R / (R + beta² P). Range [0, 1]; higher is better. As the COCO caption
    evaluation has it, P and R may come from different references. Reference: Lin 2004.
    """
    lengths = [_common_length(candidate, reference) for reference in references]
    if not any(lengths):
        return 0.0
    precision = max(lengths) / len(candidate)
    recall = max(n / len(r) for n, r in zip(lengths, references, strict=True) if r)
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common_length(one: Words, other: Words) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for j, theirs in enumerate(other, start=1):
            above = row[j]
            row[j] = diagonal + 1 if word == theirs else max(above, row[j - 1])
            diagonal = above
    return row[-1]


# ------------------------------------------------------------------------------------------------
# CIDEr-D
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReferenceFrequencies:
    """In the references of how many images an n-gram occurs.

    Attributes:
        n_images: N, the images of the evaluated set.
        counts: Images for each n-gram that occurs at all.
    """

    n_images: int
    counts: Mapping[Words, int]

    def weight(self, gram: Words) -> float:
        """The n-gram's idf: log N - log max(1, images)."""
        return math.log(self.n_images) - math.log(max(1, self.counts.get(gram, 0)))

    @property
    def is_informative(self) -> bool:
        """Whether any n-gram has weight; with one image, or equal references, none has."""
        return any(count < self.n_images for count in self.counts.values())


def reference_frequencies(references: Sequence[Sequence[Words]]) -> ReferenceFrequencies:
    """Count n-grams over the references of each image of a set."""
    counts: Counter[Words] = Counter()
    for captions in references:
        counts.update(
            {
                g
                for words in captions
                for order in range(1, ORDERS + 1)
                for g in ngrams(words, order)
            }
        )
    return ReferenceFrequencies(len(references), counts)


@dataclass(frozen=True)
class _Weighed:
    """A caption as tf-idf vectors, one for each order."""

    vectors: tuple[Mapping[Words, float], ...]
    norms: tuple[float, ...]
    n_bigrams: int


def _weighed(words: Words, frequencies: ReferenceFrequencies) -> _Weighed:
    vectors = tuple(
        {g: n * frequencies.weight(g) for g, n in Counter(ngrams(words, order)).items()}
        for order in range(1, ORDERS + 1)
    )
    norms = tuple(math.sqrt(math.fsum(w * w for w in vector.values())) for vector in vectors)
    return _Weighed(vectors, norms, max(0, len(words) - 1))


def cider_d(
    candidate: Words, references: Sequence[Words], frequencies: ReferenceFrequencies
) -> float:
    """CIDEr-D of one image's caption.

    10 times the mean over references and orders n = 1..4 of
    exp(-d² / (2 · 6²)) · Σ min(c, r) r / (|c| |r|), with c and r the tf-idf weights of an n-gram
    in caption and reference, and d the difference of their numbers of bigrams. An order without
    weight in caption or reference gives 0. Range [0, 10]; higher is better; a caption of fewer
    than four words cannot reach 10. Undefined (NaN): no n-gram of the set has weight, as with a
    single image. The weights come from the references of the evaluated set, so that scores of
    different subsets do not compare. Reference: Vedantam, Zitnick and Parikh 2015, CVPR.
    """
    if not frequencies.is_informative:
        return math.nan
    own = _weighed(candidate, frequencies)
    scores = [_similarity(own, _weighed(reference, frequencies)) for reference in references]
    return 10 * math.fsum(scores) / len(scores)


def _similarity(own: _Weighed, theirs: _Weighed) -> float:
    """Mean over orders of the clipped cosine, times the length penalty."""
    found = []
    for order in range(ORDERS):
        mine, reference = own.vectors[order], theirs.vectors[order]
        norms = own.norms[order] * theirs.norms[order]
        if norms > 0:
            shared = mine.keys() & reference.keys()
            found.append(
                math.fsum(min(mine[g], reference[g]) * reference[g] for g in shared) / norms
            )
    distance = own.n_bigrams - theirs.n_bigrams
    return math.exp(-(distance**2) / (2 * _SIGMA**2)) * math.fsum(found) / ORDERS
