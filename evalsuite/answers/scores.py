"""Scores of a written answer against people's: VQA, ANLS, relaxed, exact and majority match.

All have range [0, 1] and higher is better. A blank answer scores 0 everywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from evalsuite.answers.vqa_words import normal_answer

Scoring: TypeAlias = Literal["vqa", "anls", "relaxed", "exact", "majority"]

_ENOUGH = 3
_TAU = 0.5
_TOLERANCE = 0.05


def vqa_accuracy(answer: str, references: Sequence[str]) -> float:
    """Mean over the leave-one-out subsets of people's answers of min(matches / 3, 1).

    Answers are compared in their normal form. With m of n references equal to the answer, m of
    the subsets have m - 1 matches and n - m have m. With fewer than four references 1 cannot be
    reached. Undefined (NaN): fewer than two references.
    Reference: Antol et al. 2015, ICCV; Goyal et al. 2017, CVPR.
    """
    n = len(references)
    if n < 2:
        return math.nan
    given = normal_answer(answer)
    matches = sum(normal_answer(text) == given for text in references) if given else 0
    without_one = matches * min((matches - 1) / _ENOUGH, 1.0)
    with_all = (n - matches) * min(matches / _ENOUGH, 1.0)
    return (without_one + with_all) / n


def anls(answer: str, references: Sequence[str]) -> float:
    """Average normalised Levenshtein similarity: max over references of 1 - d, 0 from d = 0.5 on.

    d is the edit distance over the length of the longer text, after lower case and single spaces.
    Reference: Biten et al. 2019, ICCV, Scene text visual question answering.
    """
    given = _plain(answer)
    return max((_similarity(given, _plain(text)) for text in references), default=0.0)


def _similarity(given: str, wanted: str) -> float:
    if not given or not wanted:
        return 0.0
    distance = _edits(given, wanted) / max(len(given), len(wanted))
    return 1 - distance if distance < _TAU else 0.0


def _edits(one: str, other: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(other, start=1):
            replaced = diagonal + (letter != theirs)
            diagonal = row[j]
            row[j] = min(replaced, row[j] + 1, row[j - 1] + 1)
    return row[-1]


def relaxed_accuracy(answer: str, references: Sequence[str]) -> float:
    """1 when a number lies within 5 % of a reference number, or a text equals one.

    |answer - reference| <= 0.05 |reference|; ``%`` divides by 100 and commas may group digits.
    Where either is no number, texts are compared as in ``exact_match``.
    Reference: Masry et al. 2022, ACL findings, ChartQA (after Methani et al. 2020, PlotQA).
    """
    return float(any(_is_close(answer, text) for text in references))


def _is_close(answer: str, reference: str) -> bool:
    given, wanted = _number(answer), _number(reference)
    if given is None or wanted is None:
        return exact_match(answer, [reference]) == 1.0
    # The slack is for rounding: 5 % of a decimal number is not exact in binary.
    return abs(given - wanted) <= _TOLERANCE * abs(wanted) + 1e-12 * abs(wanted)


def _number(text: str) -> float | None:
    plain = text.strip().removesuffix(".").replace(",", "")
    is_percent = plain.endswith("%")
    try:
        value = float(plain.removesuffix("%"))
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return value / 100 if is_percent else value


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 when the texts are equal up to case, white space and a full stop at the end."""
    given = _plain(answer)
    return float(bool(given) and any(given == _plain(text) for text in references))


def majority_match(answer: str, references: Sequence[str]) -> float:
    """1 when the answer is the one that most people gave, in the normal form of VQA.

    Where several answers were given equally often, each of them counts.
    """
    given = normal_answer(answer)
    counts = Counter(filter(None, map(normal_answer, references)))
    return float(bool(given) and bool(counts) and counts[given] == max(counts.values()))


def most_frequent(answers: Sequence[Sequence[str]]) -> str:
    """The answer that most people gave, as it was written; the first by alphabet of several."""
    given = [text for texts in answers for text in texts if text.strip()]
    counts = Counter(normal_answer(text) or text for text in given)
    best = max(sorted(counts), key=counts.__getitem__)
    return min(text for text in given if (normal_answer(text) or text) == best)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".").rstrip()


SCORINGS: Mapping[Scoring, Callable[[str, Sequence[str]], float]] = {
    "vqa": vqa_accuracy,
    "anls": anls,
    "relaxed": relaxed_accuracy,
    "exact": exact_match,
    "majority": majority_match,
}
NAMES: Mapping[Scoring, str] = {
    "vqa": "VQA accuracy",
    "anls": "ANLS",
    "relaxed": "relaxed accuracy",
    "exact": "exact match",
    "majority": "majority match",
}
