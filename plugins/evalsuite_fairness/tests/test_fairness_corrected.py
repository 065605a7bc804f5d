"""P-values of slices, adjusted for how many slices were looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Mean, Table
from evalsuite.statistics import benjamini_hochberg, generator
from evalsuite_fairness.metrics.corrected import Corrected, SignFlip
from evalsuite_fairness.metrics.standardised_effect import StandardisedEffect


def table(**groups):
    records = [
        {"value": value, "kind": kind, "unit": f"{kind}{i // 2}"}
        for kind, values in groups.items()
        for i, value in enumerate(values)
    ]
    return Table.from_records(records)


def corrected(of, test=None):
    metric = Mean("value", name="mean", by="kind")
    return Corrected(metric, test or SignFlip("value")).estimate(of, generator(0, "test"))


def test_p_values_are_exact_for_few_rows():
    # a: 1 2 3; of 8 sign patterns two are as far from 0 as +++: p = 2/8. b: 1 -1 has mean 0: p = 1
    whole, a, b = corrected(table(a=[1, 2, 3], b=[1, -1]))
    assert a.extra["p_value"] == pytest.approx(0.25)
    assert b.extra["p_value"] == pytest.approx(1.0)
    assert "p_adjusted" not in whole.extra


def test_slices_are_adjusted_for_their_number():
    # 2/8 and 1: Benjamini and Hochberg give min(2 x .25 / 1, 1) = .5 and 1
    _, a, b = corrected(table(a=[1, 2, 3], b=[1, -1]))
    assert (a.extra["p_adjusted"], b.extra["p_adjusted"]) == pytest.approx((0.5, 1.0))
    assert a.extra["n_comparisons"] == 2


def test_a_slice_without_values_is_no_question():
    _, a, b = corrected(table(a=[1, 2, 3], b=[None, None]))
    assert math.isnan(b.value)
    assert "p_value" not in b.extra
    assert a.extra["n_comparisons"] == 1


def test_the_spread_of_the_null_is_that_of_all_flips():
    # Means of +-1 +-2 +-3 have the variance (1 + 4 + 9) / 9.
    _, a, _ = corrected(table(a=[1, 2, 3], b=[1, -1]))
    assert a.extra["null_sd"] == pytest.approx((14 / 9) ** 0.5)


def test_values_and_intervals_stay():
    of = table(a=[1.0, 2.0, 4.0], b=[0.0, 1.0])
    plain = Mean("value", name="mean", by="kind").estimate(of, generator(0, "test"))
    for one, other in zip(plain, corrected(of), strict=True):
        assert (one.value, one.low, one.high) == (other.value, other.low, other.high)


def test_clusters_flip_whole():
    # two rows a unit: 1 2 | 3 4 has two units, so p = 2 of 4
    _, a = corrected(table(a=[1, 2, 3, 4]), SignFlip("value", clusters="unit"))
    assert a.extra["p_value"] == pytest.approx(0.5)


def test_p_values_that_the_metric_brought_along_are_adjusted():
    class Brought:
        name = "brought"

        def estimate(self, of, rng):
            made = Mean("value", name="m", by="kind").estimate(of, rng)
            p_values = [0.5, 0.01, 0.04]
            return [
                e.__class__(**{**e.__dict__, "extra": {"p_value": p}})
                for e, p in zip(made, p_values, strict=True)
            ]

    found = Corrected(Brought()).estimate(table(a=[1, 2], b=[3, 4]), generator(0, "test"))
    adjusted = [e.extra["p_adjusted"] for e in found[1:]]
    assert adjusted == pytest.approx(benjamini_hochberg([0.01, 0.04]))


def test_one_of_many_null_slices_hardly_ever_stands_out():
    # nine slices without an effect: a bare p below .05 somewhere in 1 - .95^9 = 37 % of runs
    bare = adjusted = 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        of = table(**{f"k{i}": draw.normal(size=12).tolist() for i in range(9)})
        slices = corrected(of)[1:]
        bare += min(e.extra["p_value"] for e in slices) < 0.05
        adjusted += min(e.extra["p_adjusted"] for e in slices) < 0.05
    assert bare >= 12
    assert adjusted <= 7  # 3 expected


def test_the_standardised_effect_by_hand_leaves_missing_values_out():
    # 1 2 3: mean 2, deviation 1
    (found,) = StandardisedEffect("value").estimate(table(a=[1, 2, 3, None]), generator(0, "t"))
    assert found.value == pytest.approx(2.0)
    assert found.n == 3


def test_an_effect_without_spread_is_undefined():
    (found,) = StandardisedEffect("value").estimate(table(a=[1, 1]), generator(0, "t"))
    assert "no spread" in found.reason


def test_sums_and_clusters_are_those_of_the_metric():
    metric = Mean("v", name="m", by="k", clusters="c")
    table = Table.from_records([{"v": 1.0, "k": "a", "c": 1}, {"v": 3.0, "k": "b", "c": 2}])
    corrected = Corrected(metric)
    assert corrected.clusters == "c"
    assert {s.slice: s.value for s in corrected.summed(table)} == {"": 2.0, "k=a": 1.0, "k=b": 3.0}
    assert list(Corrected(StandardisedEffect()).summed(table)) == []
