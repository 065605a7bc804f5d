"""The table of rates where groups meet: what stands where, and what is marked."""

from __future__ import annotations

import math

import pytest
from report.small_runs import CARD, make_run

from evalsuite.metric import Estimate
from evalsuite.report.intersections import intersections
from evalsuite.report.page import render
from evalsuite.report.section import Cell
from evalsuite.store import JobResult

ALONE = {"sex=F": 0.3, "sex=M": 0.3, "race=A": 0.3, "race=B": 0.3, "race=C": 0.3}
MET = {"F x A": 0.1, "F x B": 0.5, "M x A": 0.5, "M x B": 0.1234, "M x C": math.nan}


def rates(values, metric="accuracy", direction="higher is better") -> list[Estimate]:
    return [
        Estimate(metric, value, value - 0.05, value + 0.05, n=40, slice=name, direction=direction)
        if not math.isnan(value)
        else Estimate(metric, value, n=7, slice=name, reason="fewer than 30 samples",
                      direction=direction)
        for name, value in values.items()
    ]  # fmt: skip


def job(*estimates: Estimate, **changed) -> JobResult:
    name = "fairness/decisions"
    fields = {"family": "fairness", "label": "income", "card": CARD, **changed}
    return JobResult("m--income", "m", name, source="s", status="finished",
                     estimates=estimates, **fields)  # fmt: skip


def crossed(met=MET, **about) -> list[Estimate]:
    return rates({**{f"sex x race={name}": value for name, value in met.items()}, **ALONE}, **about)


def tables(*estimates: Estimate, **changed):
    return [t for section in intersections([job(*estimates, **changed)]) for t in section.tables]


def test_the_column_with_fewer_values_goes_across():
    (table,) = tables(*crossed())
    assert table.caption == "income · m: accuracy by sex and race"
    assert table.columns == ("race × sex", "F", "M")
    assert [row[0] for row in table.rows] == ["A", "B", "C"]
    assert table.rows[1][1:] == (
        Cell("0.500", "[0.450, 0.550], n = 40", "best"),
        Cell("0.123", "[0.073, 0.173], n = 40", ""),
    )


def test_a_cell_without_people_or_with_too_few_says_so():
    (table,) = tables(*crossed())
    assert table.rows[2] == (
        "C", Cell("nobody counted"), Cell("no rate (n = 7)", "fewer than 30 samples"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("direction", "low", "high"),
    [
        ("higher is better", "worst", "best"),
        ("lower is better", "best", "worst"),
        ("neither", "lowest", "highest"),
    ],
)
def test_the_ends_are_named_by_the_direction(direction, low, high):
    (table,) = tables(*crossed(direction=direction))
    marks = {cell.text: cell.mark for row in table.rows for cell in row[1:]}
    assert (marks["0.100"], marks["0.500"], marks["0.123"]) == (low, high, "")


def test_nobody_is_the_worst_where_all_are_alike():
    (table,) = tables(*crossed(dict.fromkeys(MET, 0.2)))
    assert {cell.mark for row in table.rows for cell in row[1:]} == {""}


def test_names_that_hold_the_joining_letter_are_told_apart():
    """Values are looked up, not split: "B x C" is one race."""
    alone = {"sex=F": 0.1, "race=B x C": 0.1, "race=B": 0.1}
    met = {"sex x race=F x B x C": 0.7, "sex x race=F x B": 0.2}
    (table,) = tables(*rates({**met, **alone}))
    cells = {row[0]: row[1].text for row in table.rows}
    assert cells == {"B x C": "0.700", "B": "0.200"}


def test_three_columns_are_listed_by_their_joined_names():
    alone = {"sex=F": 0.1, "race=B": 0.1, "age=old": 0.1, "age=young": 0.1}
    met = {"sex x race x age=F x B x old": 0.2, "sex x race x age=F x B x young": 0.4}
    (table,) = tables(*rates({**met, **alone}))
    assert table.caption == "income · m: accuracy by sex, race and age"
    assert table.columns == ("sex x race x age", "accuracy")
    assert [row[0] for row in table.rows] == ["F x B x old", "F x B x young"]


def test_only_the_first_rate_of_a_job_is_open():
    found = tables(*crossed(), *crossed(metric="selection rate"))
    assert [table.fold for table in found] == ["open", "closed"]


def test_slices_by_one_column_and_worse_data_need_no_table():
    assert tables(*rates(ALONE)) == []
    assert tables(*rates({"size x weight=1 x 2": 0.3})) == []
    assert tables(*crossed(), variant={"variant": "text/typos"}) == []


def test_the_page_has_heads_captions_and_marks_in_words(tmp_path):
    page = render([make_run(tmp_path / "run", job(*crossed(), n_samples=2))])
    assert '<details class="folded" open><summary>income · m: accuracy by sex and race</' in page
    assert '<th scope="col">race × sex</th><th scope="col">F</th>' in page
    assert '<strong>0.500</strong> <strong class="mark">best</strong>' in page
    assert '<caption class="visually-hidden">income · m: accuracy by sex and race' in page
