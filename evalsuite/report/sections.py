"""Sections beside the probes' own entries, drawn: those of the report itself, and of plugins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.report.charts import draw
from evalsuite.report.curves import curves
from evalsuite.report.forest import Forest
from evalsuite.report.gaps import gaps
from evalsuite.report.intersections import intersections
from evalsuite.report.section import Section, Table
from evalsuite.store import JobResult, Run


@dataclass(frozen=True)
class Drawn:
    """A section whose charts are SVG."""

    title: str
    family: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[str, ...]


def sections(
    runs: Sequence[Run], results: Sequence[JobResult], specifications: dict[str, Any]
) -> list[Drawn]:
    """Gaps, intersections, curves over harder data, and what plugins add.

    The charts' specifications are put into ``specifications`` by title.
    """
    own = [*gaps(results), *intersections(results), *curves(results)]
    return [
        *(_drawn(section, specifications) for section in own),
        *_of_plugins(runs, specifications),
    ]


def _of_plugins(runs: Sequence[Run], specifications: dict[str, Any]) -> list[Drawn]:
    """What plugins add; a section that fails becomes a note instead of costing the page."""
    from evalsuite.registry import installed

    made: list[Drawn] = []
    for entry in installed().report_sections:
        try:
            made += [_drawn(section, specifications) for section in entry.load()(runs)]
        except Exception as error:  # noqa: BLE001  a stranger's section must not cost the report
            note = f"The section of plugin {entry.plugin!r} failed: {type(error).__name__}: {error}"
            made.append(_drawn(Section(entry.name, (note,)), specifications))
    return made


def _drawn(section: Section, specifications: dict[str, Any]) -> Drawn:
    charts = []
    for place, chart in enumerate(section.charts, 1):
        specification = chart.specification if isinstance(chart, Forest) else dict(chart)
        charts.append(chart.svg if isinstance(chart, Forest) else draw(chart))
        title = str(specification.get("description") or f"{section.title}, chart {place}")
        specifications[title] = specification
    return Drawn(
        section.title,
        section.family,
        tuple(section.paragraphs),
        tuple(section.tables),
        tuple(charts),
    )
