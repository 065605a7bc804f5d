"""The normal form of an answer about an image, by the rules of the VQA evaluation.

In order: line breaks become spaces; punctuation is removed or becomes a space; full stops are
removed except before a digit; lower case; number words up to ten become digits (``none``: 0);
articles are left out; a contraction written without its apostrophe gets it back. The list of
contractions is made here from its rule; where the bare spelling is a word of its own (``its``,
``were``, ``well``, ``shell``) it stays. Both the model's and people's answers are normalised, and
always, as the challenge's server does it. Reference: Antol et al. 2015, ICCV; Goyal et al. 2017.
"""

from __future__ import annotations

import re

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_FULL_STOP = re.compile(r"\.(?!\d)")
_GROUPED_DIGITS = re.compile(r"\d,\d")
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five"),
    *("six", "seven", "eight", "nine", "ten"),
)
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS)} | {"none": "0"}

_NEGATED = (
    "ai are ca could did does do had has have is might must need ought sha should was wo would"
)
_CLITICS = {
    "d": "he how it there they who you somebody someone something everybody everyone",
    "ll": "how it that there they what who you somebody someone something everybody everyone",
    "ve": "could i might must should they we what who would you",
    "re": "they what you",
    "m": "i",
    "s": "he here how she that there what when where who why somebody someone something "
    "everybody everyone everything nobody",
}
_OTHERS = {"maam": "ma'am", "oclock": "o'clock", "yall": "y'all"}


def _contractions() -> dict[str, str]:
    """Each contraction's bare spelling and the one with its apostrophe."""
    found = dict(_OTHERS)
    for verb in _NEGATED.split():
        found[f"{verb}nt"] = f"{verb}n't"
        found[f"{verb}ntve"] = found[f"{verb}n'tve"] = found[f"{verb}nt've"] = f"{verb}n't've"
    for clitic, words in _CLITICS.items():
        for word in words.split():
            found[f"{word}{clitic}"] = f"{word}'{clitic}"
            if clitic == "d":
                bare, whole = f"{word}dve", f"{word}'d've"
                found[bare] = found[f"{word}'dve"] = found[f"{word}d've"] = whole
    return found


_CONTRACTIONS = _contractions()


def normal_answer(text: str) -> str:
    """An answer in its normal form; empty for nothing but punctuation and articles."""
    plain = _without_punctuation(re.sub(r"[\n\t]", " ", text).strip())
    words = (_NUMBERS.get(word, word) for word in plain.lower().split())
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def _without_punctuation(text: str) -> str:
    """Marks that touch a space are removed, others part words.

    Where digits are grouped by a comma anywhere in the text, all marks are removed: so "1,000"
    stays one number.
    """
    is_grouped = bool(_GROUPED_DIGITS.search(text))
    found = text
    for mark in _MARKS:
        touches_space = f"{mark} " in text or f" {mark}" in text
        found = found.replace(mark, "" if is_grouped or touches_space else " ")
    return _FULL_STOP.sub("", found)
