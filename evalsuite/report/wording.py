"""How numbers and verdicts are written everywhere in a report."""

from __future__ import annotations

import math

from evalsuite.metric import Estimate

MARKS = {
    "differs from null": ("●", "differs from null"),
    "compatible with null": ("○", "compatible with null"),
    "no null": ("", ""),
    "undefined": ("–", "not measured"),
}
ARROWS = {
    "higher is better": "↑",
    "lower is better": "↓",
    "closer to null is better": "→",
    "neither": "",
}


def number(value: float | None) -> str:
    """Three decimals below ten, fewer above; n/a where there is none."""
    if value is None or not math.isfinite(value):
        return "n/a"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def interval(estimate: Estimate) -> str:
    """``[low, high]``, or empty."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f"[{number(estimate.low)}, {number(estimate.high)}]"


def null(estimate: Estimate) -> str:
    """The null with its margin and side, or empty."""
    if estimate.null is None:
        return ""
    margin = f" ± {estimate.null.margin:g}" if estimate.null.margin else ""
    return f"{number(estimate.null.value)}{margin}"


def short(model: str) -> str:
    """A model's name without its scheme's folder noise: the last part of a path."""
    scheme, colon, reference = model.partition(":")
    if colon and ("/" in reference and reference.startswith((".", "/", "~"))):
        return f"{scheme}:{reference.rstrip('/').rsplit('/', 1)[-1]}"
    return model
