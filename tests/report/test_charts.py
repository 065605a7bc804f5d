"""Drawings that show every row, load nothing, and stay drawings whatever a name says."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from evalsuite.metric import Estimate, Null
from evalsuite.report.charts import draw, forest, harmless

NULL = Null(0.1, 0.05, "above")
HOSTILE = 'a onload=1 href="x" <script>'


def drawn(*rows: tuple[str, Estimate]) -> str:
    return draw(forest(rows, "title"))


def test_a_name_that_looks_like_markup_stays_a_name():
    svg = drawn((HOSTILE, Estimate("m", 0.5, 0.4, 0.6, null=NULL)))
    assert HOSTILE in "".join(ElementTree.fromstring(svg).itertext())
    assert "<script" not in svg


def test_colours_are_the_pages():
    svg = drawn(("a", Estimate("m", 0.5, 0.4, 0.6, null=NULL)))
    assert "var(--series)" in svg
    assert "#000" not in svg
    assert "white" not in svg


def test_a_row_without_a_number_is_drawn_in_words():
    svg = drawn(("a", Estimate("m", 0.5, 0.4, 0.6)), ("b", Estimate("m", math.nan, reason="x")))
    assert "not measured" in svg


def test_each_row_has_the_null_that_decided_its_verdict():
    low, high = Null(0.1), Null(0.4, 0.1)
    rows = [("a", Estimate("m", 0.5, null=low)), ("b", Estimate("m", 0.5, null=high))]
    values = forest(rows, "t")["data"]["values"]
    assert [(v["null"], v["null_low"]) for v in values] == [(0.1, 0.1), (0.4, pytest.approx(0.3))]


def test_a_specification_may_fetch_nothing():
    asked = {"data": {"url": "http://127.0.0.1:9/a.csv"}, "mark": "point", "encoding": {}}
    with pytest.raises(ValueError, match="not allowed"):
        draw(asked)


@pytest.mark.parametrize(
    "part",
    [
        "<script>x</script>",
        '<image href="http://x/y.png"/>',
        '<a href="http://x"><text>t</text></a>',
        "<foreignObject><p/></foreignObject>",
        "<style>p{}</style>",
        '<path onclick="x" style="fill:red" fill="url(http://x)"/>',
    ],
)
def test_only_shapes_and_texts_pass(part):
    svg = harmless(f'<svg xmlns="http://www.w3.org/2000/svg"><g>{part}</g></svg>')
    assert svg in ("<svg><g /></svg>", "<svg><g><path /></g></svg>")


def test_the_same_rows_give_the_same_drawing():
    rows = [("a", Estimate("m", 0.5, 0.4, 0.6, null=NULL))]
    assert draw(forest(rows, "t")) == draw(forest(rows, "t"))


def test_an_axis_around_a_single_number_has_room_and_true_labels():
    # 0.5 in an interval of no width: the axis is [0.45, 0.55], not a tick that is rounded to 1.
    estimate = Estimate("m", 0.5, 0.5, 0.5, null=Null(0.5))
    layer = forest([("a", estimate)], "t")["layer"][0]
    assert layer["encoding"]["x"]["scale"]["domain"] == pytest.approx([0.45, 0.55])
    texts = [t.strip() for t in ElementTree.fromstring(drawn(("a", estimate))).itertext()]
    assert {"0.46", "0.50", "0.54"} <= set(texts) or {"0.45", "0.50", "0.55"} <= set(texts)
