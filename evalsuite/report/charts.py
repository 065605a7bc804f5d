"""Vega-Lite specifications, of forest plots among others, and their drawing as static SVG.

Colours are CSS variables and ``currentColor``, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from evalsuite.metric import Estimate
from evalsuite.report.wording import interval, number, plain_utf8

WIDTH = 430
ROW_HEIGHT = 22


def forest(
    rows: Sequence[tuple[str, Estimate]],
    title: str,
    baseline: float | None = None,
    distinct: Sequence[bool] | None = None,
) -> dict[str, Any]:
    """One dot with its interval for each row, its null as a line in the band of its margin.

    A dot is full where the interval excludes the null, or where ``distinct`` says so; a row
    without a number says so in words. ``baseline`` is a value that all rows are to be compared
    with, a dashed line.
    """
    values = all_values(rows, distinct)
    x = _x(values, baseline)
    # Wide enough for the names in whatever font the reader has, which cannot be measured here.
    extent = round(7 * max((len(name) for name, _ in rows), default=0))
    y = {
        "field": "row",
        "type": "nominal",
        # Spelt out, for rows without a number would else come last.
        "sort": [row["row"] for row in values],
        "scale": {"paddingInner": 0, "paddingOuter": 0},
        "axis": {"minExtent": extent, "title": None},
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": title,
        "width": WIDTH,
        "height": {"step": ROW_HEIGHT},
        "background": None,
        "data": {"values": values},
        "layer": [*_null(x, y), *_baseline(x, baseline), *_intervals(x, y)],
        "config": CONFIG,
    }


def all_values(
    rows: Sequence[tuple[str, Estimate]], distinct: Sequence[bool] | None
) -> list[dict[str, Any]]:
    """What is drawn of each estimate: the data of its row."""
    values = [_row(name, estimate) for name, estimate in rows]
    if distinct is not None:
        for row, is_distinct in zip(values, distinct, strict=True):
            row["verdict"] = "differs from null" if is_distinct else "compatible with null"
    return values


def _row(name: str, estimate: Estimate) -> dict[str, Any]:
    has_value = math.isfinite(estimate.value)
    null = estimate.null if has_value and estimate.null else None
    margin = null.margin if null else 0.0
    return {
        "row": name,
        "value": estimate.value if has_value else None,
        "low": estimate.low if math.isfinite(estimate.low) else None,
        "high": estimate.high if math.isfinite(estimate.high) else None,
        "null": null.value if null else None,
        "null_low": null.value - margin if null else None,
        "null_high": null.value + margin if null else None,
        "verdict": estimate.verdict,
        "text": f"{number(estimate.value)} {interval(estimate)}" if has_value else "not measured",
    }


def _null(x: Mapping[str, Any], y: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The null of each row, a line in the band of its margin; rows may have different ones."""
    has_null = [{"filter": "isValid(datum.null)"}]
    return [
        {
            "transform": has_null,
            "mark": {"type": "rect", "color": "var(--band)", "aria": False},
            "encoding": {
                "x": {"field": "null_low", **x},
                "x2": {"field": "null_high"},
                "y": y,
            },
        },
        {
            "transform": has_null,
            "mark": {
                "type": "tick",
                "size": ROW_HEIGHT,
                "thickness": 1.5,
                "color": "var(--muted)",
                "aria": False,
            },
            "encoding": {"x": {"field": "null", **x}, "y": y},
        },
    ]


def _baseline(x: Mapping[str, Any], baseline: float | None) -> list[dict[str, Any]]:
    mark = {"type": "rule", "strokeDash": [4, 3], "color": "var(--muted)", "aria": False}
    line = {"data": {"values": [{"baseline": baseline}]}, "mark": mark}
    encoding = {"x": {"field": "baseline", **x}}
    return [] if baseline is None else [{**line, "encoding": encoding}]


def axis_domain(rows: Sequence[Mapping[str, Any]], baseline: float | None) -> tuple[float, float]:
    """The shared axis, with room around what is drawn even where that is a single number."""
    names = ("value", "low", "high", "null_low", "null_high")
    drawn = [row[name] for row in rows for name in names if row[name] is not None]
    drawn += [] if baseline is None else [baseline]
    low, high = (min(drawn), max(drawn)) if drawn else (0.0, 1.0)
    room = 0.03 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _x(rows: Sequence[Mapping[str, Any]], baseline: float | None) -> dict[str, Any]:
    return {
        "type": "quantitative",
        "scale": {"domain": list(axis_domain(rows, baseline)), "nice": False, "zero": False},
        "title": None,
        "axis": {"tickCount": 5, "labelOverlap": True, "labelFlush": False},
    }


_MEASURED = [{"filter": "isValid(datum.value)"}]


def _intervals(x: Mapping[str, Any], y: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bars, dots, and the numbers in words at the right."""
    fill = {
        "condition": {"test": "datum.verdict == 'differs from null'", "value": "var(--series)"},
        "value": "var(--card)",
    }
    return [
        {
            "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
            "mark": {"type": "rule", "strokeWidth": 2, "color": "var(--series)", "aria": False},
            "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": y},
        },
        {
            "transform": _MEASURED,
            "mark": {"type": "point", "size": 52, "opacity": 1, "strokeWidth": 2},
            "encoding": {
                "x": {"field": "value", **x},
                "y": y,
                "fill": fill,
                "stroke": {"value": "var(--series)"},
            },
        },
        {
            "mark": {
                "type": "text",
                "align": "left",
                "color": "currentColor",
                "fontSize": 11,
                "aria": False,
            },
            "encoding": {
                "x": {"value": WIDTH + 14},
                "y": y,
                "text": {"field": "text", "type": "nominal"},
            },
        },
    ]


CONFIG: dict[str, Any] = {
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "var(--rule)",
        "tickColor": "var(--rule)",
        "gridColor": "var(--grid)",
        "labelFontSize": 11,
        "labelLimit": 300,
    },
    "axisY": {"grid": False, "ticks": False, "domain": False, "labelPadding": 8},
}


def draw(specification: Mapping[str, Any]) -> str:
    """Static SVG of a Vega-Lite specification, without anything that could run or load.

    Raises:
        ValueError: The specification is no Vega-Lite, or wants data from elsewhere.
    """
    import vl_convert

    # No base URL is allowed: a plugin's chart must not fetch data while a report is built.
    text = plain_utf8(json.dumps(specification, ensure_ascii=False)).decode()
    svg: str = vl_convert.vegalite_to_svg(text, allowed_base_urls=[])
    return harmless(svg)


_ELEMENTS = frozenset(
    ("svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "desc")
)


def harmless(svg: str) -> str:
    """The drawing with shapes and texts only: no script, handler, link, picture or style.

    Parsed and written anew, so that a name which looks like markup stays a name.
    """
    from xml.etree import ElementTree

    root = ElementTree.fromstring(svg)
    _strip(root)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: Any) -> None:
    element.tag = _local(element.tag)
    element.attrib = {
        name: value for name, value in element.attrib.items() if _is_harmless(name, value)
    }
    for child in list(element):
        if _local(child.tag) in _ELEMENTS:
            _strip(child)
        else:
            element.remove(child)


def _local(name: Any) -> str:
    return str(name).rpartition("}")[2]


def _is_harmless(name: str, value: str) -> bool:
    is_shape = not name.startswith(("on", "{")) and name not in ("href", "style", "id", "src")
    return is_shape and "url(" not in value
