"""How much of a text's end a model wrote word by word, when it was shown what comes before."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any

from evalsuite.answers import is_refusal
from evalsuite.transcripts import align

# Ippolito et al. 2022 call what is above this remembered.
APPROXIMATE_BLEU = 0.75
ALL = 0  # a prefix length: everything that comes before

_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Cut:
    """A text in two: what is shown to a model, and what it is asked to go on with.

    Attributes:
        prefix: What is shown, without space at its end.
        suffix: What follows, from the space before its first word on.
    """

    prefix: str
    suffix: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the suffix."""
        return tuple(self.suffix.split())


def cut(text: str, prefix_words: int, suffix_words: int) -> Cut | None:
    """The last words of a text, and so many words before them; None for a text too short.

    Which words are to be written does not depend on how many are shown, so that rates at several
    prefix lengths compare. Words are what stands between white space.

    Args:
        text: The text.
        prefix_words: How many words are shown; ALL for every word there is, at least one.
        suffix_words: How many words are to be written, at least 1.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    start = len(places) - suffix_words
    if start < max(prefix_words, 1):
        return None
    first = 0 if prefix_words == ALL else start - prefix_words
    end = places[start - 1][1]
    return Cut(text[places[first][0] : end], text[end : places[-1][1]])


def longest_common_prefix(written: Sequence[str], wanted: Sequence[str]) -> int:
    """How many words are the same from the start. Range: [0, shorter length]; higher is worse."""
    pairs = zip(written, wanted, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def edit_similarity(written: Sequence[str], wanted: Sequence[str]) -> float:
    """1 minus Levenshtein's distance in words over the longer length; in [0, 1], higher is worse.

    Undefined: two empty sequences (NaN).
    """
    longer = max(len(written), len(wanted))
    return 1 - align(wanted, written).errors / longer if longer else math.nan


def word_accuracy(written: Sequence[str], wanted: Sequence[str]) -> float:
    """Share of the wanted words that stand in their place; in [0, 1]. Undefined: none wanted."""
    if not wanted:
        return math.nan
    return sum(a == b for a, b in zip(written, wanted, strict=False)) / len(wanted)


def bleu(written: Sequence[str], wanted: Sequence[str]) -> float:
    """Sentence BLEU of words, by sacrebleu with exponential smoothing; in [0, 1], higher is worse.

    Reference: Papineni et al. 2002; as a measure of memorisation Ippolito et al. 2022.
    """
    return float(_bleu().sentence_score(" ".join(written), [" ".join(wanted)]).score) / 100


@cache
def _bleu() -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize="none", effective_order=True)


MEASURES = ("exact", "approximate", "common_prefix", "edit_similarity", "word_accuracy")


def measured(written: str, wanted: Sequence[str]) -> Mapping[str, float | None]:
    """Every measure of what was written, by its name in MEASURES; none for no answer.

    A model that refuses or writes nothing has not shown that it remembers nothing. What follows
    the wanted number of words does not count.
    """
    words = tuple(written.split())[: len(wanted)]
    is_exact = words == tuple(wanted)
    if not words or (not is_exact and is_refusal(written)):
        return dict.fromkeys(MEASURES)
    return {
        "exact": float(is_exact),
        "approximate": float(bleu(words, wanted) > APPROXIMATE_BLEU),
        "common_prefix": float(longest_common_prefix(words, wanted)),
        "edit_similarity": edit_similarity(words, wanted),
        "word_accuracy": word_accuracy(words, wanted),
    }
