"""Worst case, relative drop, corruption error and consistency over all changes of a probe."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import GroupGap, Proportion, Ratio
from evalsuite.all_changes import AllChanges, Change, same_answer
from evalsuite.figure import figures_of, groups_of
from evalsuite.loss import losses, relative_losses, with_groups
from evalsuite.metric import Table, estimate_all

ACCURACY = Proportion(
    "correct", name="accuracy", by="group", direction="higher is better", primary=True
)
RATE = Ratio("errors", "words", name="word error rate", direction="lower is better", primary=True)
NOISE, BLUR = (Change("noise 1", "noise"), Change("noise 2", "noise")), Change("blur", "blur")


def rng(_: str = "") -> np.random.Generator:
    return np.random.default_rng(0)


def over(probe: AllChanges, rows) -> dict[tuple[str, str], float]:
    """Estimates of (clean record, changed records) by metric and slice."""
    table = Table.from_records([probe.record(clean, changed) for clean, changed in rows])
    found = estimate_all(with_groups(probe.metrics, table), table, rng)
    return {(e.metric, e.slice): e.value for e in found}


def outcomes(*values: float, **facts):
    """A clean record and one for each change, each with its outcome."""
    clean, *changed = ({"correct": v, "predicted": str(v), **facts} for v in values)
    return clean, changed


def test_the_performance_drop_rate_of_a_worked_example():
    """80 of 100 right before and 62 after: 1 - .62 / .80 = .225."""
    rows = [(1, 1)] * 62 + [(1, 0)] * 18 + [(0, 0)] * 20
    pairs = [({"correct": a}, {"correct": b}) for a, b in rows]
    (found,) = relative_losses(pairs, [ACCURACY], rng())
    assert found.metric == "accuracy relative drop"
    assert found.value == pytest.approx(0.225, abs=1e-12)
    assert found.low < 0.225 < found.high
    assert found.verdict == "differs from null"


def test_the_interval_of_a_drop_is_paired():
    """Every right sample stays right: no drop on any resample, whatever the accuracy."""
    pairs = [({"correct": a}, {"correct": a}) for a in (0, 1) * 20]
    (found,) = relative_losses(pairs, [ACCURACY], rng())
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert found.verdict == "compatible with null"


def test_an_error_rate_rises():
    """2 errors of 10 words before and 5 after: 5 / 2 - 1 = 1.5. A changed reference of 20 words
    with 10 errors counts as 5 of 10."""
    clean = {"errors": 2, "words": 10}
    for changed in ({"errors": 5, "words": 10}, {"errors": 10, "words": 20}):
        (found,) = relative_losses([(clean, changed)] * 3, [RATE], rng())
        assert found.metric == "word error rate relative rise"
        assert found.value == pytest.approx(1.5)


def test_a_model_that_was_never_right_loses_no_share():
    pairs = [({"correct": 0}, {"correct": 0})] * 3
    (found,) = relative_losses(pairs, [ACCURACY], rng())
    assert math.isnan(found.value)
    assert "sums to zero" in found.reason


def test_a_drop_is_told_by_group_with_the_gap():
    """A falls from 1 to .5 and B from 1 to .9: drops .5 and .1, a gap of .4."""
    rows = [("A", 1, i < 20) for i in range(40)] + [("B", 1, i < 36) for i in range(40)]
    pairs = [({"correct": a, "group": g}, {"correct": float(b)}) for g, a, b in rows]
    found = {(e.metric, e.slice): e for e in relative_losses(pairs, [ACCURACY], rng())}
    assert found["accuracy relative drop", "group=A"].value == pytest.approx(0.5)
    assert found["accuracy relative drop", "group=B"].value == pytest.approx(0.1)
    gap = found["accuracy relative drop gap", ""]
    assert gap.value == pytest.approx(0.4)
    assert gap.verdict == "differs from null"


PROBE = AllChanges(figures_of([ACCURACY]), (*NOISE, BLUR), groups=groups_of([ACCURACY]))


def test_each_sample_counts_as_its_worst_outcome():
    """Right everywhere, wrong under one change, wrong when clean: 1, 0 and 0 of 3."""
    found = over(PROBE, [outcomes(1, 1, 1, 1), outcomes(1, 1, 0, 1), outcomes(0, 1, 1, 1)])
    assert found["accuracy in the worst case", ""] == pytest.approx(1 / 3)


def test_the_worst_change_is_named():
    assert PROBE.record(*outcomes(1, 1, 0, 0))["worst_under"] == "noise 2"
    assert PROBE.record(*outcomes(1, 1, 1, 1))["worst_under"] == "clean data"


def test_what_was_said_under_the_worst_change_is_the_answer_that_is_shown():
    record = PROBE.record(*outcomes(1, 1, 0, 1))
    assert (record["predicted"], record["clean_answer"]) == ("0", "1")


def test_settings_are_averaged_within_their_kind():
    """Errors under noise 1 and 2 are 0 and 1, under blur 1: (.5 + 1) / 2 = .75, not 2 / 3."""
    found = over(PROBE, [outcomes(1, 1, 0, 0)])
    assert found["mean corruption error", ""] == pytest.approx(0.75)
    assert found["accuracy over changes", ""] == pytest.approx(0.25)
    assert found["accuracy relative drop over changes", ""] == pytest.approx(0.75)


def test_the_worst_word_error_rate_is_the_highest():
    """Two utterances of 4 and 6 words, worst 2 and 3 errors: 5 / 10; mean 1.5 and 2: 3.5 / 10."""
    probe = AllChanges(figures_of([RATE]), (NOISE[0], BLUR))
    rows = [
        ({"errors": 1, "words": 4}, [{"errors": 1, "words": 4}, {"errors": 2, "words": 4}]),
        ({"errors": 3, "words": 6}, [{"errors": 2, "words": 6}, {"errors": 2, "words": 6}]),
    ]
    found = over(probe, rows)
    assert found["word error rate in the worst case", ""] == pytest.approx(0.5)
    assert found["word error rate over changes", ""] == pytest.approx(0.35)
    assert found["word error rate relative rise over changes", ""] == pytest.approx(3.5 / 4 - 1)
    assert found["word error rate lost over changes", ""] == pytest.approx(-0.05)
    assert ("mean corruption error", "") not in found


def test_consistency_is_the_share_of_answers_that_no_change_moves():
    rows = [outcomes(1, 1, 1, 1), outcomes(0, 0, 0, 0), outcomes(1, 1, 1, 0)]
    assert over(PROBE, rows)["consistency", ""] == pytest.approx(2 / 3)


def test_changes_of_the_right_answer_ask_for_no_consistency():
    flipping = AllChanges(figures_of([ACCURACY]), (NOISE[0], Change("not", "not", False)))
    record = flipping.record(*outcomes(1, 1, 0))
    assert record["same_answer"] == 1
    assert record["worst_correct"] == 0


def test_refusals_and_empty_answers_are_not_consistent():
    said, silent = {"predicted": "a"}, {"predicted": " "}
    refused = {"predicted": "I cannot", "is_refusal": True}
    assert same_answer(silent, [silent]) is None
    assert same_answer(refused, [refused]) is None
    assert same_answer(said, [silent]) == 0
    found = over(PROBE, [outcomes(0, 0, 0, 0, is_refusal=True)] * 4)
    assert math.isnan(found["consistency", ""])
    assert math.isnan(found["accuracy relative drop over changes", ""])
    assert found["accuracy in the worst case", ""] == 0


def test_of_a_gap_it_is_the_values_of_its_groups_that_are_lost():
    gap = GroupGap("correct", "group", name="accuracy gap", min_group_size=2, primary=True)
    accuracy = Proportion("correct", name="accuracy")
    (figure,) = figures_of([gap, accuracy])
    assert (figure.name, figure.is_share, figure.min_group_size) == ("accuracy", True, 2)
    rows = [("A", 1, 0), ("A", 1, 1), ("B", 1, 1), ("B", 1, 1)]
    pairs = [({"correct": a, "group": g}, {"correct": b}) for g, a, b in rows]
    found = {(e.metric, e.slice): e.value for e in relative_losses(pairs, [gap, accuracy], rng())}
    assert found["accuracy relative drop", ""] == pytest.approx(0.25)
    assert found["accuracy relative drop gap", ""] == pytest.approx(0.5)
    assert next(losses(pairs, [gap], rng())).metric == "accuracy lost"


def test_a_worst_case_of_nothing_right_has_an_interval():
    """Of 4 samples none: Clopper-Pearson's upper bound is 1 - (.05 / 2) ** (1 / 4) = .602."""
    table = Table.from_records([PROBE.record(*outcomes(1, 0, 0, 0)) for _ in range(4)])
    worst = estimate_all(PROBE.metrics[:1], table, rng)[0]
    assert (worst.low, worst.high) == (0, pytest.approx(0.602, abs=1e-3))


def test_only_directed_primary_metrics_that_average_are_summed_up():
    aside = Proportion("x", name="x", direction="higher is better")
    undirected = Proportion("y", name="y", primary=True)
    assert [f.name for f in figures_of([ACCURACY, aside, undirected, RATE])] == [
        "accuracy", "word error rate",
    ]  # fmt: skip
