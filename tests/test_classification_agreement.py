"""Confusion-matrix metrics against sklearn, by hand, and undefined with a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from evalsuite import Table
from evalsuite.classification.agreement import (
    Accuracy,
    BalancedAccuracy,
    MacroF1,
    MatthewsCorrelation,
)
from evalsuite.statistics import bootstrap_interval, by_repetition, generator

ALL = (Accuracy(), BalancedAccuracy(), MacroF1(), MatthewsCorrelation())


def theirs(metric, target, predicted) -> float:
    return {
        "accuracy": sklearn_metrics.accuracy_score,
        "balanced accuracy": sklearn_metrics.balanced_accuracy_score,
        "macro-F1": lambda t, p: sklearn_metrics.f1_score(t, p, average="macro", zero_division=0),
        "MCC": sklearn_metrics.matthews_corrcoef,
    }[metric.name](target, predicted)


def table(target, predicted, **columns) -> Table:
    rows = [
        {"target": t, "predicted": p, **{k: v[i] for k, v in columns.items()}}
        for i, (t, p) in enumerate(zip(target, predicted))
    ]
    return Table.from_records(rows)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("skill", [0.0, 0.7])
def test_the_point_is_sklearns(metric, classes, skill) -> None:
    random = np.random.default_rng(classes)
    target = random.integers(0, classes, 200)
    noise = random.integers(0, classes + 1, 200)  # a class that is no target may be predicted
    predicted = np.where(random.random(200) < skill, target, noise)
    estimate = metric.estimate(table(map(str, target), map(str, predicted)), rng())[0]
    assert estimate.value == pytest.approx(theirs(metric, target, predicted), abs=1e-12)


def test_macro_f1_and_mcc_of_a_hand_counted_matrix() -> None:
    # targets a a a b b, predictions a a b b a: F1(a) = 4/6, F1(b) = 2/4, mean 7/12
    # MCC: tp 2, fn 1, fp 1, tn 1: (2·1 - 1·1) / sqrt(3·3·2·2) = 1/6
    made = table("aaabb", "aabba")
    assert MacroF1().estimate(made, rng())[0].value == pytest.approx(7 / 12)
    assert MatthewsCorrelation().estimate(made, rng())[0].value == pytest.approx(1 / 6)
    # recalls 2/3 and 1/2
    assert BalancedAccuracy().estimate(made, rng())[0].value == pytest.approx(7 / 12)
    accuracy = Accuracy().estimate(made, rng())[0]
    assert (accuracy.value, accuracy.null.value) == pytest.approx((0.6, 0.6))
    # shares: targets .6 .4, predictions .6 .4: mean of .6 and .4
    assert MacroF1().estimate(made, rng())[0].null.value == pytest.approx(0.5)


def test_resampled_cells_give_the_interval_of_resampled_rows() -> None:
    random = np.random.default_rng(1)
    target = random.integers(0, 3, 400)
    predicted = np.where(random.random(400) < 0.6, target, random.integers(0, 3, 400))
    found = MacroF1().estimate(table(map(str, target), map(str, predicted)), rng())[0]
    slow = bootstrap_interval(
        np.stack([target, predicted], axis=1),
        by_repetition(lambda rows: theirs(MacroF1(), rows[:, 0], rows[:, 1])),
        rng=generator(0, "slow"),
        resamples=400,
    )
    assert (found.low, found.high) == pytest.approx((slow.low, slow.high), abs=0.012)


def test_one_class_is_undefined_with_a_reason() -> None:
    made = table("aaa", "aba")
    for metric in ALL[1:]:
        estimate = metric.estimate(made, rng())[0]
        assert math.isnan(estimate.value)
        assert "it takes two classes" in estimate.reason
    assert Accuracy().estimate(made, rng())[0].value == pytest.approx(2 / 3)


def test_a_constant_and_a_blind_labeller_meet_the_null() -> None:
    random = np.random.default_rng(3)
    target = random.choice(list("abc"), 300, p=[0.6, 0.3, 0.1])
    blind = random.permutation(target)
    good = np.where(random.random(300) < 0.7, target, blind)
    for metric in ALL:
        for labels in (["a"] * 300, blind):
            estimate = metric.estimate(table(target, labels), rng())[0]
            assert estimate.verdict == "compatible with null", metric.name
        assert metric.estimate(table(target, good), rng())[0].verdict == "differs from null"


def test_missing_labels_are_left_out_and_counted() -> None:
    estimate = Accuracy().estimate(table(["a", "b", "a"], ["a", None, "a"]), rng())[0]
    assert (estimate.value, estimate.n, estimate.extra["n_without_label"]) == (1, 2, 1)


def test_whole_numbers_are_the_labels_that_they_look_like() -> None:
    assert Accuracy().estimate(table([1, 2, 3], ["1", "2", "0"]), rng())[0].value == 2 / 3


def test_slices_and_clusters() -> None:
    made = table("aabb" * 10, "abbb" * 10, group="xxyy" * 10, speaker=[i // 4 for i in range(40)])
    found = Accuracy(by="group", clusters="speaker").estimate(made, rng())
    assert {e.slice: e.value for e in found} == {"": 0.75, "group=x": 0.5, "group=y": 1}
    assert found[0].unit == "speaker"
    assert found[0].low == found[0].high == 0.75  # every speaker has the same four rows
