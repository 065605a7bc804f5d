"""What harder data do to each model: one curve for each probe and variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsuite.metric import Estimate
from evalsuite.report.charts import CONFIG
from evalsuite.report.section import Section, Table
from evalsuite.report.wording import ARROWS, interval, number
from evalsuite.store import JobResult

MEASURED = ("finished", "partial")


def curves(results: Sequence[JobResult]) -> list[Section]:
    """One section with every curve; none where no job has a variant."""
    harder = [r for r in results if r.variant and r.status in MEASURED]
    if not harder:
        return []
    clean = {result.id: result for result in results}
    charts, rows = [], []
    for key in dict.fromkeys(_key(result) for result in harder):
        part = [result for result in harder if _key(result) == key]
        base = {r.model: clean[r.base] for r in part if r.base in clean}
        metric = _metric(part)
        if metric is None:
            continue
        if len({dial_of(result) for result in part}) > 1:
            charts.append(_curve(part, base, metric, key))
        rows += [_row(result, base.get(result.model), metric) for result in part]
    table = Table(
        "With and without the change",
        (
            "probe",
            "model",
            "variant",
            "metric",
            "clean",
            "harder",
            "lost",
            "share lost",
            "answers unchanged",
        ),
        tuple(rows),
    )
    told = (
        "The same probes on data made harder. Lost is the difference to the clean data on the "
        "samples that were answered both times, with its interval, and the share lost that of the "
        "clean value, or by which a rate of errors rises; answers that stay the same although "
        "their input was taken away do not rest on it. In the charts bands are intervals, "
        "and thin level lines are the clean data."
    )
    title = "When the input gets worse"
    return [Section(title, (told,), (table,), tuple(charts), family="robustness")]


def _key(result: JobResult) -> tuple[str, str]:
    """The probe, and the variant with all that was chosen but its dial."""
    probe, _, told = result.label.rpartition(" under ")
    name, *chosen = told.split(" ")
    return probe, " ".join([name, *chosen[dial_of(result) is not None :]])


def dial_of(result: JobResult) -> float | None:
    """The setting of a variant's dial; None where it has none."""
    name = _dial_name(result)
    return None if name is None else float(result.variant[name])


def _dial_name(result: JobResult) -> str | None:
    """The first option of a variant, unless the label says that it is another kind of option."""
    name = next((name for name in result.variant if name != "variant"), None)
    is_dial = name is not None and _is_number(result.variant[name])
    return name if is_dial and f" {name}=" not in result.label else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _metric(results: Sequence[JobResult]) -> str | None:
    """The first primary metric."""
    found = (e.metric for r in results for e in r.estimates if e.is_primary and not e.slice)
    return next(found, None)


def _direction(results: Sequence[JobResult], metric: str) -> str:
    """Which way is better, where one is."""
    estimate = _of(results[0], metric)
    arrow = ARROWS.get(estimate.direction, "") if estimate is not None else ""
    return f" ({arrow} {estimate.direction})" if estimate is not None and arrow else ""


def _of(result: JobResult | None, metric: str) -> Estimate | None:
    estimates = result.estimates if result is not None else ()
    return next((e for e in estimates if e.metric == metric and not e.slice), None)


def _row(result: JobResult, base: JobResult | None, metric: str) -> tuple[str, ...]:
    probe, variant = _key(result)
    setting = dial_of(result)
    named = variant if setting is None else f"{variant} {setting:g}"
    told = (
        _of(base, metric),
        _of(result, metric),
        _of(result, f"{metric} lost"),
        _of(result, f"{metric} relative drop") or _of(result, f"{metric} relative rise"),
        _of(result, "answers unchanged"),
    )
    return (probe, result.model, named, metric, *map(_shown, told))


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    within = interval(estimate).replace(" ", "\N{NO-BREAK SPACE}")  # a line of its own if need be
    return f"{number(estimate.value)} {within}".strip()


def _curve(
    results: Sequence[JobResult], base: Mapping[str, JobResult], metric: str, key: tuple[str, str]
) -> dict[str, Any]:
    """Value over dial with its interval as a band, and the clean value as a thin level line."""
    probe, variant = key
    values = list(_points(results, metric))
    before = [
        {"model": model, "clean": estimate.value}
        for model, result in base.items()
        if (estimate := _of(result, metric)) is not None and estimate.value == estimate.value
    ]
    is_falling = len(values) > 1 and values[0]["dial"] > values[-1]["dial"]  # mild comes first
    x = {
        "field": "dial",
        "type": "quantitative",
        "title": _with_unit(_dial_name(results[0]) or ""),
        "scale": {"zero": False, "nice": False, "reverse": is_falling},
        "axis": {"values": sorted({point["dial"] for point in values}), "format": "~g"},
    }
    named = f"{probe}: {metric} under {variant}"
    heading = named + _direction(results, metric)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": named,
        "title": {"text": heading, "color": "currentColor", "fontSize": 12, "anchor": "start"},
        "width": 430,
        "height": 180,
        "background": None,
        "layer": list(_layers(values, before, x)),
        "config": CONFIG,
    }


def _layers(
    values: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], x: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Band, line, clean value and dots; models are told apart by how their lines are dashed.

    The legend takes its look from the first layer that is dashed, so lines come before the others.
    """
    y = {"type": "quantitative", "title": None, "scale": {"zero": False}}
    dash = {"field": "model", "type": "nominal", "legend": LEGEND}
    at_value = {"x": x, "y": {"field": "value", **y}}
    band = {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}}
    for data, mark, encoding in (
        (values, {"type": "area", "opacity": 0.15}, {**band, "detail": {"field": "model"}}),
        (values, {"type": "line"}, {**at_value, "strokeDash": dash}),
        (
            before,
            {"type": "rule", "color": "var(--muted)", "strokeWidth": 1},
            {"y": {"field": "clean", **y}, "strokeDash": dash},
        ),
        (values, {"type": "circle", "opacity": 1}, at_value),
    ):
        mark = {"color": "var(--series)", **mark}
        yield {"data": {"values": data}, "mark": mark, "encoding": encoding}


LEGEND = {
    "title": None,
    "orient": "bottom",
    "columns": 1,  # the reader's font may be wider than ours
    "labelColor": "currentColor",
    "labelLimit": 400,
    "symbolType": "stroke",
    "symbolSize": 600,
}
UNITS = {"db": "dB", "hz": "Hz", "s": "s"}


def _with_unit(dial: str) -> str:
    """``rt60_s`` as ``rt60 in s``; a dial without a unit as it is."""
    name, _, unit = dial.rpartition("_")
    return f"{name.replace('_', ' ')} in {UNITS[unit]}" if unit in UNITS else dial.replace("_", " ")


def _points(results: Sequence[JobResult], metric: str) -> Iterator[dict[str, Any]]:
    for result in results:
        estimate, dial = _of(result, metric), dial_of(result)
        if estimate is not None and dial is not None and estimate.value == estimate.value:
            low = estimate.low if estimate.low == estimate.low else estimate.value
            high = estimate.high if estimate.high == estimate.high else estimate.value
            point = {"dial": dial, "value": estimate.value, "low": low, "high": high}
            yield {"model": result.model, **point}
