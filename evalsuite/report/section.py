"""What a plugin adds to a report: data, never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalsuite.report.forest import Forest


@dataclass(frozen=True)
class Cell:
    """A text of a table with smaller words below it, and a word that makes it stand out."""

    text: str
    aside: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A table: a caption, column heads, and rows that begin with their head.

    ``fold`` puts it behind its caption, to be opened by the reader, or ``open`` already.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    fold: Literal["", "open", "closed"] = ""


@dataclass(frozen=True)
class Section:
    """One more section of the report.

    Attributes:
        title: Its heading.
        paragraphs: Texts before everything else.
        tables: Tables.
        charts: Vega-Lite specifications or forest plots; drawn when the report is built.
        family: The family in whose panel it stands, e.g. ``privacy``; without one, or where the
            report has no such panel, it stands on its own behind the panels.
    """

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Mapping[str, Any] | Forest] = ()
    family: str = ""
