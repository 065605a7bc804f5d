"""The report's section on modalities: what each model's answers rest on, as bars and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite import Estimate
from evalsuite.report import CHART_CONFIG, Section, Table
from evalsuite.store import JobResult, Run

_ABOUT = (
    "What a score rests on: the share of the words of the text (full) and of the patches or "
    "moments of the picture or clip (light) in all that they contribute, whatever its sign. The "
    "upright line is one half. Shares cannot tell modalities that add up from ones that matter "
    "only together, so the table tells the synergy, what is lost with another sample's picture, "
    "clip or text, and the accuracy without each."
)
_COLUMNS = ("model", "text share", "perceptual score of {medium}", "perceptual score of text",
            "synergy", "accuracy", "without {medium}", "without text")  # fmt: skip


@dataclass(frozen=True)
class Shares:
    """One model's estimates by name, and which medium stands beside the text."""

    model: str
    medium: str
    estimates: Mapping[str, Estimate]

    def shown(self, name: str) -> str:
        """An estimate with its interval, or why there is none."""
        found = self.estimates.get(name)
        if found is None or found.value != found.value:
            return "not measured"
        interval = f" [{found.low:.3f}, {found.high:.3f}]" if found.low == found.low else ""
        return f"{found.value:.3f}{interval}"


def bars(runs: Sequence[Run]) -> list[Section]:
    """One chart and one table for each probe of modalities; none without."""
    found: dict[str, list[Shares]] = {}
    for run in runs:
        for result in run.results:
            found.setdefault(result.label, []).extend(_shares(result))
    kept = {label: some for label, some in found.items() if some}
    if not kept:
        return []
    charts = [_chart(label, some) for label, some in kept.items()]
    tables = [_table(label, some) for label, some in kept.items()]
    title = "What answers rest on"
    return [Section(title, (_ABOUT,), tables, charts, family="explainability")]


def _shares(result: JobResult) -> Iterator[Shares]:
    whole = {e.metric: e for e in result.estimates if not e.slice}
    media = [m for m in ("image", "audio") if f"perceptual score of {m}" in whole]
    if "text share" in whole and media and not result.variant:
        yield Shares(result.model, media[0], whole)


def _chart(label: str, found: Sequence[Shares]) -> dict[str, Any]:
    values = []
    for one in found:
        share = one.estimates["text share"].value
        if share == share:
            values.append({"model": one.model, "start": 0.0, "end": share, "part": "text"})
            values.append({"model": one.model, "start": share, "end": 1.0, "part": one.medium})
    x = {
        "type": "quantitative",
        "title": f"text | {found[0].medium}",
        "scale": {"domain": [0, 1]},
        "axis": {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"},
    }
    # Wide enough for the names in whatever font the reader has.
    extent = 7 * max(len(one.model) for one in found)
    y = {
        "field": "model",
        "type": "nominal",
        "title": None,
        "sort": [one.model for one in found],
        "axis": {"minExtent": extent},
    }
    opacity = {"condition": {"test": "datum.part == 'text'", "value": 1}, "value": 0.25}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar", "height": 13, "color": "var(--series)"},
            "encoding": {
                "x": {"field": "start", **x},
                "x2": {"field": "end"},
                "y": y,
                "fillOpacity": opacity,
            },
        },
        {
            "data": {"values": [{"half": 0.5}]},
            "mark": {"type": "rule", "color": "var(--muted)", "strokeWidth": 1, "aria": False},
            "encoding": {"x": {"field": "half", **x}},
        },
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": f"{label}: shares of the modalities",
        "title": {"text": label, "color": "currentColor", "fontSize": 12, "anchor": "start"},
        "width": 430,
        "height": {"step": 24},
        "background": None,
        "data": {"values": values},
        "layer": layers,
        "config": CHART_CONFIG,
    }


def _table(label: str, found: Sequence[Shares]) -> Table:
    medium = found[0].medium
    names = [column.format(medium=medium) for column in _COLUMNS]
    asked = [*names[1:6], f"accuracy without {medium}", "accuracy without text"]
    rows = tuple((one.model, *(one.shown(name) for name in asked)) for one in found)
    return Table(f"{label}: contribution of text and {medium}", tuple(names), rows)
