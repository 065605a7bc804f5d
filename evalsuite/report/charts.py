"""Forest plots: Vega-Lite specifications, drawn as static SVG when the report is built.

Colours are CSS variables and ``currentColor``, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evalsuite.metric import Estimate

_WIDTH = 460
_ROW_HEIGHT = 22


def forest(rows: Sequence[tuple[str, Estimate]], title: str) -> dict[str, Any]:
    """One dot with its interval for each row, the null as a dashed line in its margin's band."""
    values = [
        {
            "model": name,
            "value": estimate.value,
            "low": estimate.low if math.isfinite(estimate.low) else estimate.value,
            "high": estimate.high if math.isfinite(estimate.high) else estimate.value,
            "verdict": estimate.verdict,
        }
        for name, estimate in rows
        if math.isfinite(estimate.value)
    ]
    nulls = [e.null for _, e in rows if e.null is not None]
    layers: list[dict[str, Any]] = []
    if nulls:
        low = min(n.value - n.margin for n in nulls)
        high = max(n.value + n.margin for n in nulls)
        band = {"values": [{"low": low, "high": high}]}
        layers.append(
            {
                "data": band,
                "mark": {"type": "rect", "color": "var(--band)"},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative"},
                    "x2": {"field": "high"},
                },
            }
        )
        line = {"values": [{"x": n.value} for n in nulls]}
        layers.append(
            {
                "data": line,
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": "var(--muted)"},
                "encoding": {"x": {"field": "x", "type": "quantitative"}},
            }
        )
    # Wide enough for the names in whatever font the reader has, which cannot be measured here.
    extent = round(7.5 * max((len(name) for name, _ in rows), default=0))
    layers += [_bars(extent), _dots(extent)]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": title,
        "width": _WIDTH,
        "height": {"step": _ROW_HEIGHT},
        "background": None,
        "data": {"values": values},
        "layer": layers,
        "config": _CONFIG,
    }


_X = {"type": "quantitative", "scale": {"zero": False, "nice": True}, "title": None}


def _y(extent: int) -> dict[str, Any]:
    axis = {"minExtent": extent, "title": None}
    return {"field": "model", "type": "nominal", "sort": None, "axis": axis}


def _bars(extent: int) -> dict[str, Any]:
    return {
        "mark": {"type": "rule", "strokeWidth": 2, "color": "var(--series)"},
        "encoding": {"x": {"field": "low", **_X}, "x2": {"field": "high"}, "y": _y(extent)},
    }


def _dots(extent: int) -> dict[str, Any]:
    return {
        "mark": {"type": "point", "filled": True, "size": 60, "color": "var(--series)"},
        "encoding": {"x": {"field": "value", **_X}, "y": _y(extent)},
    }


_CONFIG: dict[str, Any] = {
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "gridColor": "var(--grid)",
        "labelFontSize": 11,
        "labelLimit": 240,
    },
    "axisY": {"grid": False, "ticks": False, "domain": False},
}


def draw(specification: Mapping[str, Any]) -> str:
    """Static SVG of a Vega-Lite specification, without anything that could run or load."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(json.dumps(specification))
    return _harmless(svg)


def _harmless(svg: str) -> str:
    """Refuse scripts, handlers and links: a specification may come from a plugin or hold names."""
    if re.search(r"<script|<foreignObject|\son\w+\s*=|(?:xlink:)?href\s*=", svg, re.IGNORECASE):
        return ""
    return re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", svg)
