"""Sentences from templates with identity terms, harmful and harmless (Dixon et al. 2018)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of
from evalsuite_sources.tables import Csv

# Columns of text, label and template in the files that are published.
_LAYOUTS = (("Text", "Label", "Template"), ("phrase", "toxicity", "template"))
_HARMFUL = {"BAD": 1, "toxic": 1, "NOT_BAD": 0, "nontoxic": 0}


@dataclass(frozen=True)
class Madlibs:
    """A CSV of template sentences (``bias_madlibs_77k.csv``, ``zh-cn_sentence_templates.csv``).

    Samples have ``text``, ``label`` (1 is harmful), ``template``, ``term`` (empty for none) and
    ``frame``: the sentence with a gap for the term, equal for all terms that fill it.

    Attributes:
        path: The file.
        n: So many sentences, drawn at random; all in the file's order without it.
        seed: Of the draw.
        terms: The identity terms; without them those that the file's shortest templates list.
    """

    path: str
    n: int | None = None
    seed: int = 0
    terms: tuple[str, ...] = ()

    def rows(self) -> Iterator[Sample]:
        """The sentences; one with a label that is none is a broken sample."""
        places = range(len(self._records))
        if self.n is not None:
            drawn = random.Random(self.seed).sample(places, min(self.n, len(places)))
            places = sorted(drawn)  # type: ignore[assignment]
        for place in places:
            text, label, template = self._records[place]
            if label not in _HARMFUL:
                legal = ", ".join(_HARMFUL)
                yield Sample(str(place), broken=f"the label {label!r} is none of {legal}")
                continue
            term, frame = self._split(text)
            fields = {"text": text, "label": _HARMFUL[label], "template": template}
            yield Sample(str(place), {**fields, "term": term, "frame": frame})

    def check(self) -> None:
        """Refuse a file without the columns of either layout, and one without terms."""
        Csv(self.path).check()
        if not self._terms:
            raise DataError(
                f"Data file {self.path} lists no identity terms (in rows of the template verb_adj "
                "or am_identity); name them with the option `terms`."
            )

    def count(self) -> int | None:
        """The number of sentences that are drawn."""
        total = len(self._records)
        return total if self.n is None else min(self.n, total)

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])

    @cached_property
    def _records(self) -> Sequence[tuple[str, str, str]]:
        rows = list(Csv(self.path)._records())
        names = next((x for x in _LAYOUTS if rows and set(x) <= set(rows[0])), None)
        if names is None:
            legal = " or ".join(", ".join(layout) for layout in _LAYOUTS)
            raise DataError(f"Data file {self.path} needs rows with the columns {legal}.")
        return [_values(row, names) for row in rows]

    @cached_property
    def _terms(self) -> tuple[str, ...]:
        return self.terms or listed_terms(self._records)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # The longest first, so that "middle eastern" is not read as "middle".
        each = sorted(self._terms, key=lambda term: (-len(term), term))
        edged = (re.escape(t) if _is_unspaced(t) else rf"(?<!\w){re.escape(t)}(?!\w)" for t in each)
        return re.compile("|".join(edged), re.IGNORECASE)

    def _split(self, text: str) -> tuple[str, str]:
        match = self._pattern.search(text)
        if match is None:
            return "", text
        return match[0].casefold(), f"{text[: match.start()]}_{text[match.end() :]}"


def listed_terms(records: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """The terms alone: what stands after the verb, or after "I am", in the shortest rows."""
    stated = [text for text, _, template in records if template == "am_identity"]
    if stated:
        begun = next(n for n in count() if len({text[: n + 1] for text in stated}) > 1)
        return tuple(sorted({text[begun:] for text in stated} - {""}))
    pairs = [text.split(maxsplit=1) for text, _, template in records if template == "verb_adj"]
    return tuple(sorted({pair[1].casefold() for pair in pairs if len(pair) == 2}))


def _values(row: Mapping[str, str], names: tuple[str, str, str]) -> tuple[str, str, str]:
    return row[names[0]], row[names[1]], row[names[2]]


def _is_unspaced(term: str) -> bool:
    """Whether a term is of a script that is written without spaces."""
    return any("一" <= letter <= "鿿" for letter in term)
