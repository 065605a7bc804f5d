"""Statistics of column totals: rows without a value, clusters, and when there is no number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from evalsuite import Null, Ratio, Table
from evalsuite.statistics import generator
from evalsuite.totals import TotalsMetric, ratio_of


@dataclass(frozen=True, kw_only=True)
class Share(TotalsMetric):
    """Sum of a over the sum of b: what Ratio does, by way of totals."""

    def columns_of(self, table):
        return np.stack([table.numbers("a"), table.numbers("b")], axis=1)

    def score(self, totals):
        return ratio_of(totals[:, 0], totals[:, 1])


ROWS = [{"a": i % 3, "b": 2.0, "speaker": f"s{i % 5}"} for i in range(60)]


@pytest.mark.parametrize("clusters", [None, "speaker"])
def test_totals_agree_with_a_plain_ratio(clusters):
    table = Table.from_records(ROWS)
    (made,) = Share(name="share", clusters=clusters).estimate(table, generator(0))
    (plain,) = Ratio("a", "b", name="share", clusters=clusters).estimate(table, generator(0))
    assert made.value == plain.value == 0.5
    assert (made.low, made.high) == pytest.approx((plain.low, plain.high), abs=0.02)
    assert (made.unit, made.n) == (plain.unit, plain.n)


def test_rows_without_a_value_are_left_out_and_counted():
    table = Table.from_records([*ROWS, {"a": None, "b": 9.0, "speaker": "s1"}])
    (made,) = Share(name="share", clusters="speaker").estimate(table, generator(0))
    assert (made.value, made.n, made.extra["n_without_value"]) == (0.5, 60, 1)


def test_there_is_no_number_without_values_or_without_a_denominator():
    for rows, reason in (
        ([{"a": None, "b": 1.0}], "no sample has a value of every column"),
        ([{"a": 1.0, "b": 0.0}], "the statistic has no value on these samples"),
    ):
        (made,) = Share(name="share").estimate(Table.from_records(rows), generator(0))
        assert math.isnan(made.value)
        assert made.reason == reason


def test_a_slice_of_one_cluster_resamples_its_rows():
    table = Table.from_records(ROWS)
    made = Share(name="share", clusters="speaker", by="speaker").estimate(table, generator(0))
    assert [estimate.unit for estimate in made] == ["speaker", *["sample"] * 5]
    assert all(estimate.low < estimate.high for estimate in made[1:])


def test_a_null_of_ones_own_is_kept():
    null = Null(0.5, why="half")
    (made,) = Share(name="share", null=null).estimate(Table.from_records(ROWS), generator(0))
    assert made.null == null
    assert made.verdict == "compatible with null"
