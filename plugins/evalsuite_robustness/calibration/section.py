"""The report's section on calibration: reliability diagrams, and risk over coverage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite.report import CHART_CONFIG, Section, Table
from evalsuite.statistics import ReliabilityBins, generator, reliability_bins, risk_coverage
from evalsuite.store import JobResult, Run
from evalsuite_robustness.calibration.forecasts import WORDS

Floats = npt.NDArray[np.float64]

MAX_DIAGRAMS = 6
POINTS = 60
SIDE = 190
_ABOUT = (
    "How often answers are right (up) that were given with about the same confidence (across), in "
    "bins of equal mass; bars below count the answers. On the straight thin line confidences come "
    "true; the band around it is where the accuracy of a bin falls 19 times of 20 if they do. Dots "
    "below the band are overconfident. Then the share of errors (up) among the surest answers, as "
    "more of them are kept (across): it should rise from the left; a level line is a confidence "
    "that says nothing."
)


@dataclass(frozen=True)
class Forecasts:
    """What one model promised in one job, and what came true.

    Attributes:
        model: Its name.
        bins: Of its reliability diagram.
        coverage, risk: Its curve, thinned, each (points,).
    """

    model: str
    bins: ReliabilityBins
    coverage: Floats
    risk: Floats


def diagrams(runs: Sequence[Run]) -> list[Section]:
    """One section with two charts and two tables for each probe of calibration; none without."""
    found: dict[str, list[Forecasts]] = {}
    for run in runs:
        for result in run.results:
            if result.probe.startswith("calibration/"):
                found.setdefault(result.label, []).extend(_forecasts(run, result))
    charts: list[Mapping[str, Any]] = []
    tables: list[Table] = []
    for label, some in found.items():
        if some:
            charts += [_reliability(label, some[:MAX_DIAGRAMS]), _risk(label, some)]
            tables += [_bins_table(label, some), _risk_table(label, some)]
    if not charts:
        return []
    return [Section("Calibration", (_ABOUT,), tables, charts, family="robustness")]


def _forecasts(run: Run, result: JobResult) -> Iterator[Forecasts]:
    rows = run.samples(result.id, with_exchange=False)
    pairs = [pair for row in rows if row.status == "ok" for pair in _pairs(row.record)]
    if not pairs:
        return
    confidence, correct = np.array(pairs, dtype=float).T
    rng = generator(0, result.id, result.model, "reliability")
    bins = int(result.options.get("bins", 10))
    found = reliability_bins(confidence, correct, rng=rng, bins=bins, binning="mass")
    coverage, risk = risk_coverage(confidence, correct)
    kept = np.unique(np.linspace(0, len(risk) - 1, min(POINTS, len(risk))).astype(int))
    yield Forecasts(result.model, found, coverage[kept], risk[kept])


def _pairs(record: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Confidence and outcome of an answer, or of each word of it."""
    if WORDS in record:
        yield from (
            (sure, right) for _, sure, right in json.loads(record[WORDS]) if sure is not None
        )
    elif record.get("confidence") is not None and record.get("correct") is not None:
        yield record["confidence"], record["correct"]


def _reliability(label: str, found: Sequence[Forecasts]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": f"{label}: reliability diagrams",
        "title": _title(label),
        "background": None,
        "concat": [_diagram(one) for one in found],
        "columns": 3,
        "spacing": 24,
        "config": CHART_CONFIG,
    }


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "color": "currentColor", "fontSize": 12, "anchor": "start"}


def _diagram(one: Forecasts) -> dict[str, Any]:
    values = [
        {
            "confidence": float(one.bins.confidence[i]),
            "accuracy": float(one.bins.accuracy[i]),
            "low": float(one.bins.low[i]),
            "high": float(one.bins.high[i]),
            "count": int(one.bins.counts[i]),
        }
        for i in range(len(one.bins.counts))
    ]
    bars = {"type": "rule", "strokeWidth": 7, "color": "var(--muted)"}
    counted = {"field": "count", "type": "quantitative", "title": "answers"}
    return {
        "data": {"values": values},
        "spacing": 6,
        "vconcat": [
            {
                "title": {**_title(one.model), "fontWeight": "normal", "limit": SIDE + 60},
                "width": SIDE,
                "height": SIDE,
                "layer": list(_diagram_layers()),
            },
            {
                "width": SIDE,
                "height": 40,
                "mark": bars,
                "encoding": {
                    "x": _share("confidence", "confidence"),
                    "y": {**counted, "axis": {"tickCount": 2}},
                    "y2": {"datum": 0},
                },
            },
        ],
    }


def _share(name: str, title: str | None) -> dict[str, Any]:
    return {
        "field": name,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [0, 1], "nice": False, "padding": 0},
        "axis": {"values": [0, 0.2, 0.4, 0.6, 0.8, 1], "format": ".1f", "grid": True},
    }


def _diagram_layers() -> Iterator[dict[str, Any]]:
    """The line of promises kept, the band, then the bins."""
    x, y = _share("confidence", None), _share("accuracy", "accuracy")
    yield {
        "data": {"values": [{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}]},
        "mark": {"type": "line", "color": "var(--muted)", "strokeWidth": 1, "aria": False},
        "encoding": {"x": x, "y": y},
    }
    yield {
        "mark": {"type": "rule", "color": "var(--band)", "strokeWidth": 9, "aria": False},
        "encoding": {"x": x, "y": _share("low", "accuracy"), "y2": {"field": "high"}},
    }
    yield {
        "mark": {"type": "line", "color": "var(--series)", "strokeWidth": 1, "aria": False},
        "encoding": {"x": x, "y": y},
    }
    yield {
        "mark": {"type": "circle", "color": "var(--series)", "size": 45, "opacity": 1},
        "encoding": {"x": x, "y": y},
    }


def _risk(label: str, found: Sequence[Forecasts]) -> dict[str, Any]:
    values = [
        {"model": one.model, "coverage": float(x), "risk": float(y)}
        for one in found
        for x, y in zip(one.coverage, one.risk, strict=True)
    ]
    x = {**_share("coverage", "share of answers kept, the surest first")}
    y = {"field": "risk", "type": "quantitative", "title": "errors among them"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": f"{label}: risk over coverage",
        "width": 430,
        "height": 180,
        "background": None,
        "data": {"values": values},
        "mark": {"type": "line", "color": "var(--series)"},
        "encoding": {
            "x": x,
            "y": {**y, "axis": {"grid": True}},
            "strokeDash": {"field": "model", "type": "nominal", "legend": _LEGEND},
        },
        "config": CHART_CONFIG,
    }


_LEGEND = {
    "title": None,
    "orient": "bottom",
    "columns": 1,
    "labelColor": "currentColor",
    "labelLimit": 400,
    "symbolType": "stroke",
    "symbolSize": 600,
}


def _bins_table(label: str, found: Sequence[Forecasts]) -> Table:
    rows = [
        (
            one.model,
            str(place + 1),
            str(int(one.bins.counts[place])),
            f"{one.bins.confidence[place]:.3f}",
            f"{one.bins.accuracy[place]:.3f}",
            f"{one.bins.low[place]:.3f} to {one.bins.high[place]:.3f}",
        )
        for one in found
        for place in range(len(one.bins.counts))
    ]
    columns = ("model", "bin", "answers", "mean confidence", "accuracy", "if confidences are right")
    return Table(f"{label}: bins of the reliability diagrams", columns, tuple(rows), fold="closed")


def _risk_table(label: str, found: Sequence[Forecasts]) -> Table:
    shares = (0.1, 0.25, 0.5, 0.75, 1.0)
    rows = [
        (one.model, *(f"{np.interp(s, one.coverage, one.risk):.3f}" for s in shares))
        for one in found
    ]
    columns = ("model", *(f"surest {100 * share:g} %" for share in shares))
    return Table(f"{label}: errors among the surest answers", columns, tuple(rows), fold="closed")
