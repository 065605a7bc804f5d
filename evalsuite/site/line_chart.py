"""One figure over time as SVG: a dot with its interval for each run, joined in their order.

Colours come from the page's style, as those of forest plots do. The table beside it says the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import escape

from evalsuite.metric import Estimate
from evalsuite.report.forest import tick_labels, ticks
from evalsuite.report.wording import interval, number

_WIDTH, _HEIGHT = 560, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 40, 10, 24
# Room for a date below the axis.
_DATE_WIDTH = 84


@dataclass(frozen=True)
class Dated:
    """An estimate and when it was made, ISO 8601."""

    date: str
    estimate: Estimate


@dataclass(frozen=True)
class LineChart:
    """A line over time.

    Attributes:
        title: What is drawn.
        points: The oldest first; dates that cannot be read stand at equal distances.
    """

    title: str
    points: Sequence[Dated]

    @property
    def svg(self) -> str:
        """The drawing; it needs the page's style sheet for its colours."""
        drawn = [p for p in self.points if math.isfinite(p.estimate.value)]
        across, up = _across([p.date for p in drawn]), _Up.of([p.estimate for p in drawn])
        parts = [
            f'<svg class="line" role="img" aria-label="{escape(self.title)}" '
            f'width="{_LEFT + _WIDTH + _RIGHT}" height="{_TOP + _HEIGHT + _BOTTOM}">',
            *_grid(up),
            *_dates([p.date for p in drawn], across),
        ]
        places = [(x, p.estimate) for x, p in zip(across, drawn, strict=True)]
        if len(places) > 1:
            joined = "L".join(f"{x:.1f} {up(e.value)}" for x, e in places)
            parts.append(f'<path class="joined" d="M{joined}"/>')
        parts += [_dot(x, estimate, up, date.date) for (x, estimate), date in zip(places, drawn)]
        return "".join([*parts, "</svg>"])


@dataclass(frozen=True)
class _Up:
    """From values to pixels from the top."""

    low: float
    high: float

    @classmethod
    def of(cls, estimates: Sequence[Estimate]) -> _Up:
        found = [v for e in estimates for v in (e.value, e.low, e.high) if math.isfinite(v)]
        found += [e.null.value for e in estimates if e.null is not None]
        low, high = (min(found), max(found)) if found else (0.0, 1.0)
        room = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(low - room, high + room)

    def __call__(self, value: float) -> str:
        place = _TOP + _HEIGHT * (self.high - value) / (self.high - self.low)
        return f"{place:.1f}"


def _across(dates: Sequence[str]) -> list[float]:
    """Pixels from the left: by time, or in equal steps where times are unknown or all the same."""
    try:
        times = [_seconds(date) for date in dates]
    except ValueError:
        times = []
    if len(set(times)) < 2:
        times = [float(place) for place in range(len(dates))]
    first, span = times[0] if times else 0.0, (times[-1] - times[0] if times else 0.0) or 1.0
    return [_LEFT + 12 + (_WIDTH - 24) * (time - first) / span for time in times]


def _seconds(date: str) -> float:
    read = datetime.fromisoformat(date)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _grid(up: _Up) -> Iterator[str]:
    places = ticks(up.low, up.high)
    lines = "".join(f"M{_LEFT} {up(tick)}h{_WIDTH}" for tick in places)
    yield f'<path class="grid" d="{lines}"/><g class="ticks" aria-hidden="true">'
    for tick, label in zip(places, tick_labels(up.low, up.high), strict=True):
        yield f'<text x="{_LEFT - 8}" y="{float(up(tick)) + 4:.1f}">{label}</text>'
    yield f'</g><path class="axis" d="M{_LEFT} {_TOP + _HEIGHT}h{_WIDTH}"/>'


def _dates(dates: Sequence[str], across: Sequence[float]) -> Iterator[str]:
    """The days below the axis, as many as do not overlap; the last one always."""
    yield '<g class="days" aria-hidden="true">'
    last = across[-1] if across else 0.0
    free_from = -math.inf
    for date, x in zip(dates, across, strict=True):
        if x == last or (x >= free_from and x <= last - _DATE_WIDTH):
            day = escape(date.partition("T")[0][:10])
            yield f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18}">{day}</text>'
            free_from = x + _DATE_WIDTH
    yield "</g>"


def _dot(x: float, estimate: Estimate, up: _Up, date: str) -> str:
    told = f"{date.partition('T')[0]}: {number(estimate.value)} {interval(estimate)}"
    bar = ""
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        bar = f'<path class="interval" d="M{x:.1f} {up(estimate.low)}V{up(estimate.high)}"/>'
    kind = "dot" if estimate.verdict == "differs from null" else "dot hollow"
    null = ""
    if estimate.null is not None:
        null = f'<path class="null" d="M{x - 8:.1f} {up(estimate.null.value)}h16"/>'
    return (
        f"<g><title>{escape(told)}</title>{null}{bar}"
        f'<circle class="{kind}" cx="{x:.1f}" cy="{up(estimate.value)}" r="4"/></g>'
    )
