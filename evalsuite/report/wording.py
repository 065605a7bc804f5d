"""How numbers and verdicts are written everywhere in a report."""

from __future__ import annotations

import math
from typing import Any

from evalsuite.foreign_text import beginning, written_out
from evalsuite.metric import Estimate

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
    written = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return "0.000" if written == "-0.000" else written


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


# No single text of a page is longer; the run directory has all of it.
MAX_CHARACTERS = 20_000


def visible(value: Any) -> Any:
    """A text with its control and direction characters written out, e.g. ``⟨U+202E⟩``.

    What a model wrote must not reorder or hide the words around it, nor fill the page. Markup
    passes unchanged.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return written_out(beginning(value, MAX_CHARACTERS))


def plain_utf8(text: str) -> bytes:
    """UTF-8 of a text; halves of surrogate pairs, which no file may hold, become ``?``."""
    return text.encode("utf-8", "replace")
