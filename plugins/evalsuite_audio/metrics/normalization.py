"""Named, versioned rules that make two writings of the same words equal.

The rule is part of the figure: word error rates under different rules do not compare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

Rule = Literal["none", "basic"]
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'"})


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
    return " ".join(re.sub(r"(?<![^\s'])'|'(?![^\s'])", " ", kept).split())


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def none_v1(text: str) -> str:
    """Only surrounding and repeated white space is dropped."""
    return " ".join(text.split())


RULES: dict[str, Callable[[str], str]] = {"none": none_v1, "basic": basic_v1}
VERSIONS = {"none": "none v1", "basic": "basic v1"}
