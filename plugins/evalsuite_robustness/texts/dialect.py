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


def _exact(pattern: str, to: str) -> _Rule:
    """A rule that a title (We Were Soldiers) escapes by its capitals."""
    return re.compile(pattern), to


_INSTEAD = {
    "himself": "hisself",
    "themselves": "theirselves",
    "any": "no",
    "any of": "none of",
    "anything": "nothing",
    "anybody": "nobody",
    "anyone": "nobody",
    "anywhere": "nowhere",
}


def _word(found: re.Match[str]) -> str:
    """What stands for the last word that was found, written as that is."""
    *before, word = found.groups()
    instead = _INSTEAD[word.lower()]
    is_loud = len(word) > 1 and word.isupper()
    return "".join(before) + (instead.upper() if is_loud else like(instead, word))


def _aint(found: re.Match[str]) -> str:
    return like("ain't", found[0])


def _yall(found: re.Match[str]) -> str:
    return like("y'all", found[0])


# Words that end as the verbs of a rule do and are none.
_NO_PROGRESSIVE = (
    r"(?!(?:nothing|anything|something|everything|amazing|annoying|appalling|boring|captivating"
    r"|charming|confusing|convincing|disappointing|disgusting|embarrassing|entertaining|exciting"
    r"|fascinating|frightening|frustrating|interesting|lacking|misleading|missing|outstanding"
    r"|shocking|stunning|surprising|touching|uninteresting|wanting|willing)\b)"
)
_NO_PARTICIPLE = (
    r"(?!(?:indeed|need|seed|speed|hundred|detailed|gifted|limited|mixed|naked|red|sacred|talented"
    r"|unlimited|wicked)\b)"
)
_NO_NOUN = (
    r"(?!(?:as|always|besides|does|has|is|less|perhaps|plus|sometimes|this|thus|unless|us|was)\b)"
)


# Each feature is told in one line, in the words of eWAVE where it has it, with rules for the plain
# cases only: where a rule would have to know more grammar than it can see, the text stays.
FEATURES: Mapping[str, tuple[_Rule, ...]] = {
    # ain't as the negated form of be and have
    "aint": (
        _rule(r"\b(?:is|are|am|has|have) not\b(?! only)", _aint),
        _rule(r"\b(?:isn't|aren't|hasn't|haven't)\b", _aint),
    ),
    # multiple negation
    "negative-concord": (
        _rule(
            r"(\b(?:not|\w+n't) (?:(?!just\b|only\b|that\b)\w+ )?)"
            r"(any(?: of|thing|body|one|where)?)\b",
            _word,
        ),
    ),
    # no auxiliary be before a progressive; not after it, where hardly any variety has that
    "zero-auxiliary": (
        _rule(rf"\b(he|she|they|we|you) (?:is|are) (?={_NO_PROGRESSIVE}\w+ing\b)", r"\1 "),
    ),
    # was for were
    "was-levelling": (_exact(r"\b([Tt]hey|[Ww]e|[Yy]ou) were\b", r"\1 was"),),
    # no third person -s on common verbs
    "zero-third-person": (
        _rule(r"\b(he|she|it) (like|want|need|know|think|say|make|take|come|look)s\b", r"\1 \2"),
        _rule(r"\b(he|she|it) (?:doesn't|does not)\b", r"\1 don't"),
    ),
    # them as a demonstrative
    "them-demonstrative": (_exact(rf"\bthose (?={_NO_NOUN}[a-z]+s\b)", "them "),),
    # regularised reflexives
    "regular-reflexives": (_rule(r"\b(himself|themselves)\b", _word),),
    # a plural of you
    "yall": (_rule(r"\b(?:you all|you guys|all of you)\b", _yall),),
    # completive done
    "completive-done": (
        _rule(
            r"\b(I|he|she|it|they|we|you) (?:have|has) (?:already )?"
            rf"(?={_NO_PARTICIPLE}\w+ed\b)",
            r"\1 done ",
        ),
    ),
    # no articles, but where one makes another amount of it ("a few" is not "few")
    "zero-article": (
        _exact(
            r"(?<=\w )(?<!many )(?:the|an?) "
            r"(?!few\b|little\b|lot\b|bit\b|couple\b|while\b)(?=[a-z])",
            "",
        ),
    ),
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
