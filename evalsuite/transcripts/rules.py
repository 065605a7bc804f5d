"""Named, versioned rules that make two writings of the same words equal.

The rule is part of the figure: word error rates under different rules do not compare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'"})
_HAN_OF_OTHER_NAMES = "\u3005\u3007"  # the iteration mark and the zero


@dataclass(frozen=True)
class Rule:
    """A way to write what was said, for comparison only.

    Attributes:
        name: What options call it.
        version: Changes with every change of what it does.
        function: Text in, words separated by single spaces out.
        note: What a reader has to know, in one sentence.
    """

    name: str
    version: str
    function: Callable[[str], str]
    note: str = ""

    @property
    def label(self) -> str:
        """How figures name it, e.g. ``basic v1``."""
        return f"{self.name} {self.version}"

    def __call__(self, text: str) -> str:
        """The text under this rule."""
        return self.function(text)


def none_v1(text: str) -> str:
    """Only surrounding and repeated white space is dropped."""
    return " ".join(text.split())


def basic_v1(text: str) -> str:
    """Compatibility form, case folded, punctuation to spaces, single spaces.

    Apostrophes inside words stay: "don't" is one word. Everything that is neither a letter, a
    combining mark, nor a number counts as punctuation, except invisible format characters such as
    the soft hyphen: they are dropped and split no word.
    """
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    # Folding can undo the compatibility form, so that takes its turn twice.
    folded = _compatible(_compatible(seen).casefold()).translate(_APOSTROPHES)
    kept = "".join(c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return " ".join(_without_quotes(kept).split())


def chinese_v1(text: str) -> str:
    """As basic, and every Han character is a word of its own.

    Words in Latin letters and numbers stay whole, decimal points included; commas within numbers
    are dropped. Spaces between Han characters thus mean nothing.
    """
    plain = "".join(c for c in _compatible(text) if not _is_variation(c))
    plain = re.sub(r"(?<=\d),(?=\d)", "", plain)
    # Basic would split a number at its point.
    numbers = re.split(r"(?<=\d)\.(?=\d)", plain)
    words = [basic_v1(part) for part in numbers]
    # A Han character ends the word before it, and so makes a quote of an apostrophe there.
    return " ".join(_without_quotes(_apart(".".join(words))).split())


def _without_quotes(text: str) -> str:
    """Spaces for apostrophes that are not inside a word."""
    return re.sub(r"(?<![^\s'])'|'(?![^\s'])", " ", text)


def _apart(text: str) -> str:
    """Spaces around every Han character; marks stay with theirs."""
    made, was_han = [], False
    for character in text:
        if unicodedata.category(character)[0] != "M":
            is_han = _is_han(character)
            if is_han or was_han:
                made.append(" ")
            was_han = is_han
        made.append(character)
    return "".join(made)


def _is_han(character: str) -> bool:
    return character in _HAN_OF_OTHER_NAMES or unicodedata.name(character, "").startswith(
        ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH")
    )


def _is_variation(character: str) -> bool:
    return unicodedata.name(character, "").startswith("VARIATION SELECTOR")


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


NONE = Rule("none", "v1", none_v1, "Case and punctuation count.")
BASIC = Rule("basic", "v1", basic_v1, "Case and punctuation do not count.")
CHINESE = Rule(
    "chinese",
    "v1",
    chinese_v1,
    "Every Han character is a word; traditional and simplified characters are not converted, and "
    "the rule promises nothing for Japanese, Thai or other writing without spaces.",
)
