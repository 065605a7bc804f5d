from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite.statistics.groups import (
    accuracy_difference,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    equalized_odds_ratio,
    group_rates,
    worst_group_accuracy,
)
from evalsuite.statistics.points import only_values

# Two groups of six: A selects 4 of 6 (TPR 3/4, FPR 1/2), B selects 2 of 6 (TPR 1/3, FPR 1/3).
Y_TRUE = [1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0]
Y_PRED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1]
GROUPS = list("AAAAAABBBBBB")
OPEN = {"min_group_size": 1, "min_positives": 1, "min_negatives": 1}


def test_rates_of_hand_counted_groups() -> None:
    a, b = group_rates(Y_TRUE, Y_PRED, GROUPS, **OPEN).groups
    assert (a.n, a.n_positive, a.n_negative) == (6, 4, 2)
    assert (a.selection_rate, b.selection_rate) == pytest.approx((2 / 3, 1 / 3))
    assert (a.true_positive_rate, b.true_positive_rate) == pytest.approx((3 / 4, 1 / 3))
    assert (a.false_positive_rate, b.false_positive_rate) == pytest.approx((1 / 2, 1 / 3))
    assert (a.false_negative_rate, b.false_negative_rate) == pytest.approx((1 / 4, 2 / 3))
    assert (a.accuracy, b.accuracy) == pytest.approx((2 / 3, 1 / 2))


def test_differences_of_hand_counted_groups() -> None:
    table = group_rates(Y_TRUE, Y_PRED, GROUPS, **OPEN)
    assert demographic_parity_difference(table).value == pytest.approx(0.333333, abs=1e-6)
    assert demographic_parity_ratio(table).value == pytest.approx(0.5, abs=1e-6)
    assert equalized_odds_difference(table).value == pytest.approx(0.416667, abs=1e-6)
    assert equalized_odds_difference(table, "mean").value == pytest.approx(0.291667, abs=1e-6)
    assert equal_opportunity_difference(table).value == pytest.approx(0.416667, abs=1e-6)
    assert equal_opportunity_difference(table).lowest == "B"


def test_ratios_and_accuracies_of_hand_counted_groups() -> None:
    # TPR 1/3 over 3/4 is 4/9, FPR 1/3 over 1/2 is 2/3: the smaller counts
    table = group_rates(Y_TRUE, Y_PRED, GROUPS, **OPEN)
    assert equalized_odds_ratio(table).value == pytest.approx(0.444444, abs=1e-6)
    assert accuracy_difference(table).value == pytest.approx(0.166667, abs=1e-6)
    assert worst_group_accuracy(table).value == pytest.approx(0.5)
    assert worst_group_accuracy(table).lowest == "B"


def test_without_two_big_groups_ratio_and_worst_group_are_undefined() -> None:
    table = group_rates(Y_TRUE, Y_PRED, GROUPS)
    for function in (equalized_odds_ratio, accuracy_difference, worst_group_accuracy):
        assert math.isnan(function(table).value)
        assert function(table).reason


def test_a_group_without_positives_does_not_look_like_the_worst() -> None:
    # fairlearn would give C a true-positive rate of 0 and a difference of 0.75.
    table = group_rates([*Y_TRUE, 0, 0], [*Y_PRED, 0, 0], [*GROUPS, "C", "C"], **OPEN)
    disparity = equal_opportunity_difference(table)
    assert disparity.value == pytest.approx(0.416667, abs=1e-6)
    assert disparity.excluded == ("C",)
    assert math.isnan(table.rates("true_positive_rate")["C"])
    assert table.groups[2].reason == "fewer than 1 positives"
    assert table.rates("selection_rate")["C"] == 0.0


def test_small_groups_have_no_rates_by_default() -> None:
    table = group_rates(Y_TRUE, Y_PRED, GROUPS)
    assert all(math.isnan(rate) for rate in table.rates("accuracy").values())
    disparity = demographic_parity_difference(table)
    assert math.isnan(disparity.value)
    assert disparity.reason == "fewer than two groups have a defined selection rate"


def test_each_gate_hides_only_what_it_guards() -> None:
    gates = {"min_group_size": 6, "min_positives": 4, "min_negatives": 3}
    a, b = group_rates(Y_TRUE, Y_PRED, GROUPS, **gates).groups
    assert math.isnan(a.false_positive_rate)
    assert math.isnan(b.true_positive_rate)
    assert math.isnan(b.false_negative_rate)
    assert not math.isnan(a.true_positive_rate + b.false_positive_rate + a.accuracy)


def test_equalized_odds_needs_both_rates() -> None:
    table = group_rates([1, 1, 1, 0], [1, 0, 1, 0], list("aabb"), **OPEN)
    assert math.isnan(equalized_odds_difference(table).value)
    assert "false positive rate" in (equalized_odds_difference(table).reason or "")


def test_a_ratio_where_nobody_is_selected_is_undefined() -> None:
    table = group_rates([1, 0, 1, 0], [0, 0, 0, 0], list("aabb"), **OPEN)
    assert math.isnan(demographic_parity_ratio(table).value)
    assert demographic_parity_difference(table).value == 0.0


def test_no_rows_have_no_groups() -> None:
    assert group_rates([], [], []).groups == ()


def test_labels_that_are_missing_or_not_binary_are_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        group_rates([1, 0], [1, 0], ["a", None])
    with pytest.raises(ValueError, match="y_pred"):
        group_rates([1, 0], [1, 2], ["a", "b"])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_rates_match_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, decision, group = rng.integers(0, 2, 60), rng.integers(0, 2, 60), rng.integers(0, 3, 60)
    for rates in group_rates(truth, decision, group, **OPEN).groups:
        mine = group == int(rates.group)
        assert rates.selection_rate == pytest.approx(decision[mine].mean())
        assert rates.accuracy == pytest.approx((decision == truth)[mine].mean())
        if rates.n_positive:
            hit = decision[mine & (truth == 1)].mean()
            assert rates.true_positive_rate == pytest.approx(hit)
            assert rates.false_negative_rate == pytest.approx(1 - hit)
        if rates.n_negative:
            assert rates.false_positive_rate == pytest.approx(decision[mine & (truth == 0)].mean())


@pytest.mark.parametrize("seed", range(5))
def test_rates_asked_for_often_are_those_of_metric_frame(seed) -> None:
    draw = np.random.default_rng(seed)
    truth, decision = draw.integers(0, 2, size=(2, 40))
    groups = draw.choice(list("ABC"), size=40, p=[0.6, 0.35, 0.05])
    gates = {"min_group_size": 1, "min_positives": 1, "min_negatives": 1}
    plain = group_rates(truth, decision, groups, **gates)
    with only_values():
        quick = group_rates(truth, decision, groups, **gates)
    for rate in ("selection_rate", "true_positive_rate", "false_positive_rate",
                 "false_negative_rate", "accuracy"):  # fmt: skip
        assert quick.rates(rate) == pytest.approx(plain.rates(rate), abs=1e-12, nan_ok=True)
