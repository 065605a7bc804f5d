"""Replies that refuse, found by rule in several languages.

Shared by all probes that let a model write: a refusal is no answer, neither fair nor private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["RefusalRules", "is_refusal", "refusal_rules"]


@dataclass(frozen=True)
class RefusalRules:
    """The patterns of the data file.

    Attributes:
        version: Of the rules; results with different versions are not comparable.
        languages: Codes of the languages that have rules.
        pattern: What a refusal begins with.
        benign: Replies that answer, some of them with words that refusals use too.
    """

    version: str
    languages: tuple[str, ...]
    pattern: re.Pattern[str]
    benign: tuple[str, ...]


@cache
def refusal_rules() -> RefusalRules:
    """The rules of the data file beside this."""
    file = resources.files("evalsuite.refusals") / "rules.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    each = [_pattern(rules) for rules in found["languages"].values()]
    benign = [text for rules in found["languages"].values() for text in rules["benign"]]
    return RefusalRules(
        str(found["version"]),
        tuple(found["languages"]),
        re.compile("|".join(each)),
        tuple(benign),
    )


def _pattern(rules: Mapping[str, Sequence[str]]) -> str:
    """Any number of openings (an apology, what one is), then what is refused."""
    openings = "|".join(rules["openings"])
    return rf"(?:(?:{openings})[\s,.;:!，。、；！-]*)*(?:{'|'.join(rules['refusals'])})"


def is_refusal(text: str) -> bool:
    """Whether a reply begins by refusing, in one of the languages of the rules.

    Strict: "I cannot help with that" is one, "I cannot believe how good it was" and an empty reply
    are none, nor is a refusal that follows an answer.
    """
    plain = " ".join(text.replace("’", "'").casefold().split()).lstrip("\"'*`“„«_ ")
    return refusal_rules().pattern.match(plain) is not None
