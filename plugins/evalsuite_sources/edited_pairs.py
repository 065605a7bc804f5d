"""Texts that people edited as little as turns the label round, and which words they edited."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file
from evalsuite_sources.tables import Csv

Stretch = tuple[int, int]


@dataclass(frozen=True)
class EditedPairs:
    """Rows of a CSV or TSV file that belong together, e.g. a review and its edited twin.

    Fields: text, label, pair (what the rows of one set share), and rationale: the stretches of
    characters ``[[first, last], ...]``, half open, of the words that any other text of the set does
    not have at that place. Those words are why the label is not the other one. A row without a
    partner has no rationale. Samples are called by their set and their place in it.

    Attributes:
        path: The file, with a header; rows of one set stand together.
        text: Column of the text.
        label: Column of the label.
        pair: Column that the rows of one set share.
        longest: Most words of a text; sets with a longer one are left out. 0 keeps all.
        labels: {label in the file: what a model calls it}; others keep their name.

    Reference: Kaushik et al. 2020, Learning the difference that makes a difference, ICLR; the
    defaults are the columns of its sentiment data.
    """

    path: str
    text: str = "Text"
    label: str = "Sentiment"
    pair: str = "batch_id"
    longest: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Sample]:
        """The rows in file order."""
        for pair, group in groupby(Csv(self.path).rows(), key=lambda row: str(row[self.pair])):
            rows = list(group)
            texts = [str(row[self.text]) for row in rows]
            if self.longest and max(len(text.split()) for text in texts) > self.longest:
                continue
            for place, (row, text) in enumerate(zip(rows, texts, strict=True)):
                others = [other for i, other in enumerate(texts) if i != place]
                fields: dict[str, Any] = {
                    "text": text,
                    "label": self.labels.get(row[self.label], row[self.label]),
                    "pair": pair,
                    "rationale": [list(stretch) for stretch in edited(text, others)],
                }
                yield Sample(f"{pair}-{place}", fields)

    def check(self) -> None:
        """Refuse a missing file, one without rows, and columns that are not there."""
        table = Csv(self.path)
        table.check()
        first = next(table.rows())
        for column in (self.text, self.label, self.pair):
            if column not in first.fields:
                raise DataError(
                    f"Data file {self.path} has no column {column!r}; its columns are: "
                    f"{', '.join(map(repr, first.fields))}. Name those of the text, the label and "
                    "the set by the options text, label and pair."
                )

    def count(self) -> int | None:
        """The number of rows that are kept."""
        return sum(1 for _ in self.rows())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([require_file(Path(self.path))])


def edited(text: str, others: Sequence[str]) -> list[Stretch]:
    """Stretches of characters of the words that any of the other texts lacks at that place."""
    words = [(found[0], found.span()) for found in re.finditer(r"\S+", text)]
    own = [word for word, _ in words]
    changed: set[int] = set()
    for other in others:
        matcher = difflib.SequenceMatcher(a=own, b=other.split(), autojunk=False)
        for kind, first, last, *_ in matcher.get_opcodes():
            if kind != "equal":
                changed.update(range(first, last))
    return [words[i][1] for i in sorted(changed)]
