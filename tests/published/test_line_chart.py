"""A line over time stands where its dates and values say, and harms nobody."""

from __future__ import annotations

import math
import re

import pytest

from evalsuite.metric import Estimate, Null
from evalsuite.site.line_chart import Dated, LineChart


def chart(*points: tuple[str, float], **facts) -> str:
    return LineChart(
        "a line", [Dated(d, Estimate("m", v, v - 0.1, v + 0.1, **facts)) for d, v in points]
    ).svg


def dots(svg: str) -> list[tuple[float, float]]:
    found = re.findall(r'<circle class="[a-z ]+" cx="([\d.]+)" cy="([\d.]+)"', svg)
    return [(float(x), float(y)) for x, y in found]


def test_places_across_are_in_proportion_to_time():
    (a, _), (b, _), (c, _) = dots(
        chart(("2026-01-01", 0.5), ("2026-01-11", 0.5), ("2026-01-31", 0.5))
    )
    assert (b - a) / (c - a) == pytest.approx(10 / 30, abs=1e-3)


def test_a_higher_value_stands_higher_and_in_proportion():
    (_, a), (_, b), (_, c) = dots(
        chart(("2026-01-01", 0.2), ("2026-01-02", 0.4), ("2026-01-03", 0.8))
    )
    assert a > b > c
    assert (a - b) / (a - c) == pytest.approx(0.2 / 0.6, abs=1e-3)


@pytest.mark.parametrize("dates", [("soon", "later", "never"), ("2026-01-01",) * 3])
def test_without_times_the_steps_are_equal(dates):
    (a, _), (b, _), (c, _) = dots(chart(*((date, 0.5) for date in dates)))
    assert b - a == pytest.approx(c - b)


def test_what_has_no_value_is_left_out_and_the_null_is_drawn():
    svg = chart(("2026-01-01", 0.5), ("2026-01-02", math.nan), ("2026-01-03", 0.7), null=Null(0.5))
    assert len(dots(svg)) == 2
    assert svg.count('class="null"') == 2


def test_names_and_dates_are_no_markup():
    svg = LineChart("<b>", [Dated("<script>T", Estimate("m", 0.5, 0.4, 0.6))] * 2).svg
    assert "<b>" not in svg
    assert "<script>" not in svg
