"""What a page's probes cite, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evalsuite import __version__
from evalsuite.report.wording import visible
from evalsuite.store import JobResult

# "Nangia et al. 2020", "Zeiler and Fergus 2014", "Iacus, King and Porro 2012".
_NAME = r"(?:(?:van|de|De|von) )*[A-ZÀ-Ž][\w’'-]*[\w](?: Kim Sang)?"
_CITED = re.compile(
    rf"(?P<authors>{_NAME}(?:(?:, (?:and )?| and | & ){_NAME})*(?: et al\.)?),? "
    r"(?P<year>1[89]\d\d|20\d\d)(?!\d)(?P<rest>[^;]*)"
)
_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def bibtex(results: Sequence[JobResult]) -> str:
    """One entry for each work that the cards of these results cite, by author and year.

    What a card adds of title and place stands in the note, as the card has it.
    """
    entries = {"evalsuite": _entry("software", "evalsuite", _own_fields())}
    for result in results:
        for found in _CITED.finditer(str(result.card.get("reference", ""))):
            key = _key(found["authors"], found["year"])
            if key not in entries:
                entries[key] = _entry("misc", key, _fields(found, result.probe))
    return "\n".join(entries[key] for key in sorted(entries))


def _own_fields() -> Iterator[tuple[str, str]]:
    yield "title", "evalsuite"
    yield "version", __version__
    yield "note", "The software that made this report"


def _fields(found: re.Match[str], probe: str) -> Iterator[tuple[str, str]]:
    names = found["authors"].removesuffix(" et al.")
    authors = re.split(r", and |, | and | & ", names)
    yield "author", " and ".join([*authors, *(["others"] if names != found["authors"] else [])])
    yield "year", found["year"]
    about = found["rest"].strip(" ,.")
    yield "note", f"{about}{'. ' if about else ''}Cited for {probe}"


def _key(authors: str, year: str) -> str:
    return re.sub(r"\W", "", re.split(r",| and | & | et al", authors)[0]).lower() + year


def _entry(kind: str, key: str, fields: Iterator[tuple[str, str]]) -> str:
    lines = [f"  {name} = {{{_escaped(value)}}},\n" for name, value in fields]
    return f"@{kind}{{{key},\n{''.join(lines)}}}\n"


def _escaped(text: str) -> str:
    """Characters with a meaning in TeX, written so that they stand for themselves."""
    return "".join(_SPECIAL.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in str(visible(text)))
