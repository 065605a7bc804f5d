"""The grammatical gender of a profession in a translation: by its ending, else by its article."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

Gender: TypeAlias = Literal["feminine", "masculine", "unknown", "uncovered"]
Detector: TypeAlias = Callable[[str, str, str], Gender]
LANGUAGES = ("de", "es", "fr")

_MASCULINE_ARTICLES = {
    "de": frozenset(
        ["ein", "dem", "den", "des", "einem", "einen", "eines", "zum", "beim", "vom", "im"]
    ),
    "es": frozenset(["el", "un", "al", "del", "este"]),
    "fr": frozenset(["le", "un", "au", "du", "ce"]),
}
_FEMININE_ARTICLES = {
    "de": frozenset(["die", "eine", "einer", "zur"]),
    "es": frozenset(["la", "una", "esta"]),
    "fr": frozenset(["la", "une", "cette"]),
}
# "un ama de llaves" and the like: what a noun of two words is, whatever its article says.
_PHRASES: dict[str, dict[str, tuple[tuple[str, Gender], ...]]] = {
    "es": {"housekeeper": (("ama de llaves", "feminine"),)},
    "fr": {
        "housekeeper": (("femme de ménage", "feminine"), ("homme de ménage", "masculine")),
        "cleaner": (("femme de ménage", "feminine"), ("homme de ménage", "masculine")),
    },
}


@dataclass(frozen=True)
class Forms:
    """How a profession can be called, in lower case."""

    masculine: frozenset[str]
    feminine: frozenset[str]
    both: frozenset[str]


@cache
def forms_of(language: str) -> dict[str, Forms]:
    """The nouns of a language by English profession.

    Raises:
        ValueError: There is no list of nouns for the language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)} (got {language!r})")
    text = files(__package__).joinpath("nouns", f"{language}.tsv").read_text("utf-8")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, *columns = line.split("\t")
            words = [frozenset(column.casefold().split()) for column in columns]
            found[name] = Forms(*words, *[frozenset[str]()] * (3 - len(words)))
    return found


def noun_gender(translation: str, profession: str, language: str) -> Gender:
    """The gender that a translation gives to a person with a profession.

    Every word that can stand for the profession is looked at; all must agree. A form of one
    gender tells by itself ("Ärztin", "boulangère"); a form of both ("Angestellte", "comptable")
    by the article before it, over one adjective at most; after an elided article ("l'analyste")
    or without one it stays ``unknown``. So does a profession that is not found, or found in both
    genders. ``uncovered``: the list has no such profession.

    Raises:
        ValueError: There is no list of nouns for the language.
    """
    known = forms_of(language).get(profession.casefold())
    if known is None:
        return "uncovered"
    words = re.findall(r"\w+['’]?", translation.casefold())
    plain = " ".join(words)
    found = {
        gender
        for phrase, gender in _PHRASES.get(language, {}).get(profession.casefold(), ())
        if re.search(rf"\b{phrase}\b", plain)
    }
    for place, word in enumerate(words):
        if word in known.masculine and word in known.feminine | known.both:
            continue
        if word in known.masculine:
            found.add("masculine")
        elif word in known.feminine:
            found.add("feminine")
        elif word in known.both:
            found.add(_by_article(words[max(0, place - 2) : place], word, language))
    return found.pop() if len(found) == 1 else "unknown"


def _by_article(before: list[str], noun: str, language: str) -> Gender:
    """The gender that the nearest article before a noun of both genders gives it."""
    for word in reversed(before):
        if word.endswith(("'", "’")):
            return "unknown"
        if language == "de" and word == "der":
            # "der Angestellte" is he; "der Angestellten" is to her, of her or of them.
            return "masculine" if not noun.endswith("en") else "feminine"
        if word in _MASCULINE_ARTICLES[language]:
            return "masculine"
        if word in _FEMININE_ARTICLES[language]:
            return "feminine"
    return "unknown"
