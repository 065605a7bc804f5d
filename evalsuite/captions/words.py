"""Words of a caption, by rules close to the Penn Treebank's, for BLEU, ROUGE-L and CIDEr-D.

Published caption scores tokenise with a Java program. These rules give its words for ordinary
captions: lower case; contractions are cut (``don't``: do n't; ``dog's``: dog 's; ``cannot``: can
not); numbers keep inner points, commas, colons and strokes; hyphenated words and abbreviations
(``u.s.``, ``mr.``) stay whole; punctuation is then dropped. They differ for words joined by a
stroke (cut here), and for brackets (dropped here; the Java pipeline leaves them as words by an
oversight of case). A score that was published is matched to a few thousandths, not digit by digit.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Words: TypeAlias = tuple[str, ...]

_TOKEN = re.compile(
    r"""
    (?:[^\W\d_]\.){2,}                          # u.s.
  | \b(?:mr|mrs|ms|dr|st|jr|sr|vs)\.
  | \d+(?:[.,:/]\d+)+                           # 1,000.5  10:30  1/2
  | [^\W_]+(?:[-'&][^\W_]+)*                    # dog's  black-and-white  b&w  2nd
  | \S
    """,
    re.VERBOSE,
)
_CLITIC = re.compile(r"(.+?)(n't|'(?:s|re|ve|ll|d|m))")
_MERGED = {
    "cannot": ("can", "not"),
    "gimme": ("gim", "me"),
    "gonna": ("gon", "na"),
    "gotta": ("got", "ta"),
    "lemme": ("lem", "me"),
    "wanna": ("wan", "na"),
}
_DROPPED = frozenset("'\"`.?!,:;-()[]{}«»“”„‘–—…")
_APOSTROPHES = str.maketrans("’ʼ", "''")


def caption_words(text: str) -> Words:
    """The words of a caption, in lower case, without punctuation."""
    plain = text.translate(_APOSTROPHES).lower()
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        if token not in _DROPPED:
            found += _MERGED.get(token) or _without_clitics(token)
    return tuple(found)


def _without_clitics(token: str) -> list[str]:
    """A word and the contractions at its end, each on its own."""
    endings: list[str] = []
    while "'" in token and (match := _CLITIC.fullmatch(token)):
        token = match[1]
        endings.insert(0, match[2])
    return [token, *endings]
