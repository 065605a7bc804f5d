"""What a plugin adds to a report: data, never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table: a caption, column heads, and rows of texts."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """One more section at the end of the report.

    Attributes:
        title: Its heading.
        paragraphs: Texts before everything else.
        tables: Tables.
        charts: Vega-Lite specifications; drawn when the report is built.
    """

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Mapping[str, Any]] = ()
