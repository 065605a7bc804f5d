"""Grammar of other Englishes, by rules of our own for features that the literature names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalsuite_robustness.texts.change import TextChange, like

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _rule(pattern: str, to: str | Callable[[re.Match[str]], str]) -> _Rule:
    return re.compile(pattern, re.IGNORECASE), to


def _reflexive(found: re.Match[str]) -> str:
    words = {"himself": "hisself", "themselves": "theirselves"}
    return like(words[found[0].lower()], found[0])


# Each feature is told in one line, in the words of eWAVE where it has it, with rules for the plain
# cases only: where a rule would have to know more grammar than it can see, the text stays.
FEATURES: Mapping[str, tuple[_Rule, ...]] = {
    # ain't as the negated form of be and have
    "aint": (
        _rule(r"\b(?:is|are|am|has|have) not\b(?! only)", "ain't"),
        _rule(r"\b(?:isn't|aren't|hasn't|haven't)\b", "ain't"),
    ),
    # multiple negation
    "negative-concord": (
        _rule(r"(\b(?:not|\w+n't) (?:\w+ )?)any(thing|body|one|where)?\b", r"\1no\2"),
    ),
    # no auxiliary be before a progressive
    "zero-auxiliary": (_rule(r"\b(he|she|it|they|we|you) (?:is|are) (?=\w+ing\b)", r"\1 "),),
    # was for were
    "was-levelling": (_rule(r"\b(they|we|you) were\b", r"\1 was"),),
    # no third person -s on common verbs
    "zero-third-person": (
        _rule(r"\b(he|she|it) (like|want|need|know|think|say|make|take|come|look)s\b", r"\1 \2"),
        _rule(r"\b(he|she|it) (?:doesn't|does not)\b", r"\1 don't"),
    ),
    # them as a demonstrative
    "them-demonstrative": (_rule(r"\bthose (?=[a-z]+s\b)", "them "),),
    # regularised reflexives
    "regular-reflexives": (_rule(r"\b(?:himself|themselves)\b", _reflexive),),
    # a plural of you
    "yall": (_rule(r"\b(?:you all|you guys|all of you)\b", "y'all"),),
    # completive done
    "completive-done": (
        _rule(r"\b(I|he|she|it|they|we|you) (?:have|has) (?:already )?(?=\w+ed\b)", r"\1 done "),
    ),
    # no articles
    "zero-article": (_rule(r"(?<=\w )(?:the|an?) (?=[a-z])", ""),),
}


@dataclass(frozen=True)
class Dialect(TextChange):
    """One grammatical feature of non-standard Englishes, wherever a text gives occasion.

    Args:
        feature: One of aint, negative-concord, zero-auxiliary, was-levelling, zero-third-person,
            them-demonstrative, regular-reflexives, yall, completive-done, zero-article, or ``all``
            of them.
    """

    feature: str = "all"

    name: ClassVar[str] = "text/dialect"
    dial: ClassVar[str] = "feature"
    sweep: ClassVar[tuple[str, ...]] = ("all",)
    about: ClassVar[str] = (
        "Grammatical features of non-standard Englishes by simple rules (the features: Kortmann et "
        "al. 2020, eWAVE; the idea: Ziems et al. 2023, Multi-VALUE, ACL). No dialect as it is "
        "spoken: speakers use features together and by their own rules."
    )

    def __post_init__(self) -> None:
        """Refuse a feature that there is not."""
        if self.feature not in (*FEATURES, "all"):
            legal = ", ".join((*FEATURES, "all"))
            raise ValueError(f"feature must be one of {legal} (got {self.feature!r})")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """The rules of the feature, one after another."""
        for feature in FEATURES if self.feature == "all" else (self.feature,):
            for pattern, to in FEATURES[feature]:
                text = pattern.sub(to, text)
        return text
