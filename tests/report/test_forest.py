"""The quick drawing of a forest plot shows what Vega draws of the same rows."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from evalsuite.metric import Estimate, Null
from evalsuite.report.charts import WIDTH, draw
from evalsuite.report.forest import Forest, ticks

ROWS = (
    ("a", Estimate("m", 0.51, 0.43, 0.62, null=Null(0.1, 0.05, "above"))),
    ("b", Estimate("m", -0.2, -0.3, 0.12, null=Null(0.1, 0.05))),
    ("c", Estimate("m", math.nan, reason="too few")),
    ("d", Estimate("m", 0.33, null=Null(0.3))),
)
LEFT = 6 + 12  # the room of names of one letter


def dots_of_vega(svg: str) -> list[list[float]]:
    found = re.findall(r'aria-roledescription="point" transform="translate\(([^)]*)\)"', svg)
    return [[float(number) for number in place.split(",")] for place in found]


def dots(svg: str) -> list[list[float]]:
    circles = ElementTree.fromstring(svg).iter("circle")
    return [[float(c.get("cx", "")) - LEFT, float(c.get("cy", ""))] for c in circles]


def texts(svg: str) -> set[str]:
    root = ElementTree.fromstring(svg)
    found = [element for element in root.iter() if element.tag.endswith("text")]
    return {"".join(text.itertext()).replace("−", "-").strip() for text in found}


def test_dots_lie_where_vega_draws_them():
    plot = Forest("t", ROWS)
    expected = dots_of_vega(draw(plot.specification))
    assert len(expected) == 3
    assert dots(plot.svg) == [pytest.approx(dot, abs=0.06) for dot in expected]


@pytest.mark.parametrize("factor", [1, 0.01, 3, 1700])
def test_names_numbers_and_ticks_are_vegas(factor):
    def scaled(e: Estimate) -> Estimate:
        return Estimate("m", e.value * factor, e.low * factor, e.high * factor)

    plot = Forest("t", [(name, scaled(estimate)) for name, estimate in ROWS])
    assert texts(draw(plot.specification)) - texts(plot.svg) == set()


def test_intervals_and_nulls_are_drawn_to_scale():
    # The axis of [0, 1] with 3 % of room: 0 lies at 0.03 / 1.06 of the width, 1 at 1.03 / 1.06.
    svg = Forest("t", [("a", Estimate("m", 0.5, 0, 1, null=Null(0.5, 0.25)))]).svg
    start, end, null, low = (LEFT + WIDTH * (v + 0.03) / 1.06 for v in (0, 1, 0.5, 0.25))
    (interval,) = re.findall(r'class="interval" d="M([\d.]+) 11H([\d.]+)"', svg)
    assert [float(number) for number in interval] == pytest.approx([start, end], abs=0.06)
    (band,) = re.findall(r'class="band" d="M([\d.]+) 0H', svg)
    (line,) = re.findall(r'class="null" d="M([\d.]+) 0V22"', svg)
    assert [float(band), float(line)] == pytest.approx([low, null], abs=0.06)


def test_neighbours_with_the_same_null_share_one_line():
    same = Estimate("m", 0.5, 0.4, 0.6, null=Null(0.1))
    other = Estimate("m", 0.5, 0.4, 0.6, null=Null(0.2))
    svg = Forest("t", [("a", same), ("b", same), ("c", other), ("d", Estimate("m", 1.0))]).svg
    assert re.findall(r'class="null" d="M[\d.]+ (\d+V\d+)"', svg) == ["0V44", "44V66"]


def test_a_full_dot_excludes_its_null():
    svg = Forest("t", ROWS).svg
    assert re.findall(r'class="(dot[^"]*)"', svg) == ["dot", "dot hollow", "dot hollow"]


def test_the_baseline_is_a_line_through_all_rows():
    plot = Forest("t", ROWS, baseline=0.9)
    assert re.search(r'class="baseline" d="M[\d.]+ 0V88"', plot.svg)
    assert "stroke-dasharray" in draw(plot.specification)


def test_a_row_without_a_number_is_words():
    assert "not measured" in texts(Forest("t", ROWS).svg)


def test_hostile_names_stay_names():
    hostile = '</svg><script x="'
    svg = Forest(hostile, [(hostile, Estimate("m", 0.5))]).svg
    assert hostile in texts(svg)


def test_a_long_name_is_cut_and_kept_whole_in_its_title():
    name = "n" * 80
    svg = Forest("t", [(name, Estimate("m", 0.5))]).svg
    assert f"<title>{name}</title>" in svg
    assert f">{'n' * 59}…<" in svg.replace("</title>", "</title>>")


def test_ticks_are_round_numbers():
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ticks(-3, 12) == [-2, 0, 2, 4, 6, 8, 10, 12]
    assert ticks(1e-12, 2e-12)[0] == pytest.approx(1e-12)
