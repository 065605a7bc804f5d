"""The report's section on membership attacks: their ROC curves on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite.report import CHART_CONFIG, Section
from evalsuite.store import JobResult, Run

Floats = npt.NDArray[np.float64]

POINTS = 60
_TITLE = "Membership at few false alarms"
_ABOUT = (
    "How many members an attack finds (up) at how many false alarms (across), both on logarithmic "
    "axes, since an attack that is sure of a few members matters more than its average (Carlini "
    "et al. 2022). Each model's strongest attack is drawn; the straight thin line is guessing. "
    "Left of the upright thin line fewer than ten non-members are called members: what stands "
    "there is mostly optimism."
)


@dataclass(frozen=True)
class Curve:
    """The points of one attack's ROC curve, both rates above zero, thinned evenly in log FPR."""

    model: str
    attack: str
    false_positive_rates: Floats
    true_positive_rates: Floats
    n_non_members: int


def curves(runs: Sequence[Run]) -> list[Section]:
    """One chart for each membership probe; none where no run has one."""
    found: dict[str, list[Curve]] = {}
    for run in runs:
        for result in run.results:
            attack = _strongest(result)
            if attack is not None:
                found.setdefault(result.label, []).extend(_curve(run, result, attack))
    charts = tuple(_chart(label, some) for label, some in found.items() if some)
    return [Section(_TITLE, (_ABOUT,), (), charts, family="privacy")] if charts else []


def thinned(false_rates: Floats, true_rates: Floats, points: int = POINTS) -> tuple[Floats, Floats]:
    """The points with both rates above zero, at most about so many, the last one kept.

    Between two points of a false-positive rate the higher true-positive rate stays.
    """
    kept = (false_rates > 0) & (true_rates > 0)
    false_rates, true_rates = false_rates[kept], true_rates[kept]
    if false_rates.size <= points:
        return false_rates, true_rates
    wanted = np.geomspace(false_rates[0], false_rates[-1], points)
    places = np.unique(np.searchsorted(false_rates, wanted * (1 + 1e-12), side="right") - 1)
    return false_rates[places], true_rates[places]


def _strongest(result: JobResult) -> str | None:
    """The attack behind a job's whole AUC; None for other jobs."""
    if result.family != "privacy":
        return None
    whole = (e for e in result.estimates if e.metric == "attack AUC" and not e.slice)
    estimate = next(whole, None)
    attack = estimate.extra.get("attack") if estimate is not None else None
    return None if attack is None else str(attack)


def _curve(run: Run, result: JobResult, attack: str) -> Iterator[Curve]:
    from sklearn.metrics import roc_curve

    rows = [record for _, is_answered, record in run.outcomes(result.id) if is_answered]
    scored = [(bool(r["member"]), r[attack]) for r in rows if r.get(attack) is not None]
    n_non_members = sum(not member for member, _ in scored)
    if not 0 < n_non_members < len(scored):
        return
    labels, scores = np.array([m for m, _ in scored]), np.array([float(s) for _, s in scored])
    false_rates, true_rates, _ = roc_curve(labels, scores, drop_intermediate=False)
    yield Curve(result.model, attack, *thinned(false_rates, true_rates), n_non_members)


def _chart(label: str, found: Sequence[Curve]) -> dict[str, Any]:
    lowest = min(1 / curve.n_non_members for curve in found)
    trusted = sorted({10 / curve.n_non_members for curve in found})
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": f"{label}: ROC curves",
        "title": {"text": label, "color": "currentColor", "fontSize": 12, "anchor": "start"},
        "width": 430,
        "height": 260,
        "background": None,
        "layer": list(_layers(found, lowest, [rate for rate in trusted if rate < 1])),
        "config": CHART_CONFIG,
    }


def _layers(
    found: Sequence[Curve], lowest: float, trusted: Sequence[float]
) -> Iterator[Mapping[str, Any]]:
    """The curves, then guessing, then the limit of what can be trusted."""
    points = [
        {"model": f"{curve.model} ({curve.attack})", "fpr": float(x), "tpr": float(y)}
        for curve in found
        for x, y in zip(curve.false_positive_rates, curve.true_positive_rates, strict=True)
    ]
    low = 10 ** math.floor(math.log10(min([lowest, *(point["tpr"] for point in points)])))
    x = _axis("fpr", "false-positive rate", low)
    y = _axis("tpr", "true-positive rate", low)
    thin = {"color": "var(--muted)", "strokeWidth": 1}
    dash = {"field": "model", "type": "nominal", "legend": _LEGEND}
    yield {
        "data": {"values": points},
        "mark": {"type": "line", "color": "var(--series)", "interpolate": "step-after"},
        "encoding": {"x": x, "y": y, "strokeDash": dash},
    }
    yield {
        "data": {"values": [{"fpr": low, "tpr": low}, {"fpr": 1, "tpr": 1}]},
        "mark": {"type": "line", **thin},
        "encoding": {"x": x, "y": y},
    }
    yield {
        "data": {"values": [{"fpr": rate} for rate in trusted]},
        "mark": {"type": "rule", **thin},
        "encoding": {"x": x},
    }


def _axis(name: str, title: str, low: float) -> dict[str, Any]:
    powers = [10.0**power for power in range(round(math.log10(low)), 1)]
    return {
        "field": name,
        "type": "quantitative",
        "title": title,
        "scale": {"type": "log", "domain": [low, 1]},
        "axis": {"values": powers, "format": "~g", "grid": True},
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
