from __future__ import annotations

import math

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame

from evalsuite.statistics.bootstrap import ratio_interval
from evalsuite.statistics.gap import group_gap
from evalsuite.statistics.grouped import make_grouped_rows
from evalsuite.statistics.interval import clopper_pearson
from evalsuite.statistics.points import only_values
from evalsuite.statistics.ranking import roc_auc, weighted_auc


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mean_of_counts(values, counts):
    totals = counts.sum(axis=1)
    return counts @ values / np.where(totals == 0, np.nan, totals)


QUICK = {"resamples": 200, "permutations": 200}


def test_corpus_error_gap_of_hand_counted_utterances() -> None:
    # A: 0 + 1 + 0 errors in 3 + 5 + 3 words = 1/11; B: 1/4 and 3/6 = 4/10.
    gap = group_gap(
        [0, 1, 0, 1, 3],
        list("AAABB"),
        denominators=[3, 5, 3, 4, 6],
        rng=rng(),
        higher_is_worse=True,
        min_group_size=1,
    )
    assert [group.value for group in gap.groups] == pytest.approx([0.090909, 0.4], abs=1e-6)
    assert gap.value == pytest.approx(0.309091, abs=1e-6)
    assert (gap.worst_group, gap.best_group) == ("B", "A")


def test_mean_gap_and_its_spread_by_hand() -> None:
    # Means 0, 1, 5: gap 5, standard deviation of (0, 1, 5) = sqrt(14/2) = sqrt(7).
    gap = group_gap([0.0, 0, 1, 1, 5, 5], list("aabbcc"), rng=rng(), min_group_size=2)
    assert gap.value == 5.0
    assert gap.between_group_sd == pytest.approx(math.sqrt(7))
    assert (gap.worst_group, gap.best_group) == ("a", "c")
    assert gap.p_value == pytest.approx(6 / 90)  # 3! of 6!/(2!2!2!) orders keep equals together


def test_points_are_those_of_metricframe_and_of_the_vectorised_code() -> None:
    errors, words = rng().integers(0, 5, 200), rng(1).integers(5, 20, 200)
    groups = rng(2).choice(list("xyz"), 200)
    frame = MetricFrame(
        metrics=lambda e, w: e.sum() / w.sum(),
        y_true=errors,
        y_pred=words,
        sensitive_features=groups,
    )
    gap = group_gap(errors, groups, denominators=words, rng=rng(), **QUICK)
    assert [g.value for g in gap.groups] == pytest.approx(frame.by_group.tolist(), abs=1e-12)
    assert gap.value == pytest.approx(frame.difference(), abs=1e-12)
    rows, _ = make_grouped_rows(errors, groups, "mean", words, None)
    replicates = rows.replicates(4000, rng())
    assert replicates.mean(axis=0) == pytest.approx(frame.by_group.to_numpy(), abs=0.002)


def test_resampling_has_the_spread_of_resampled_metricframes() -> None:
    values, groups = rng().normal(size=60), np.repeat(["a", "b"], 30)
    slow = []
    for seed in range(150):
        draw = np.concatenate([rng(seed).integers(0, 30, 30), rng(seed).integers(30, 60, 30)])
        slow.append(values[draw][groups[draw] == "a"].mean())
    gap = group_gap(values, groups, rng=rng(), resamples=4000, permutations=50)
    assert gap.groups[0].interval.width == pytest.approx(3.92 * np.std(slow), rel=0.2)


@pytest.mark.parametrize("is_crossed", [False, True])
def test_a_callable_mean_agrees_with_the_fast_one(is_crossed) -> None:
    groups = np.tile(["a", "b", "c"], 40)
    clusters = (
        np.repeat(np.arange(40), 3)
        if is_crossed
        else np.arange(120) // 3 * 3 + np.tile([0, 1, 2], 40)
    )
    values = rng().normal(size=120) + (groups == "c")
    facts = {"clusters": clusters, "resamples": 4000, "permutations": 4000}
    fast = group_gap(values, groups, rng=rng(), **facts)
    slow = group_gap(values, groups, mean_of_counts, rng=rng(1), **facts)
    assert slow.value == pytest.approx(fast.value)
    assert slow.interval.low == pytest.approx(fast.interval.low, abs=0.04)
    assert slow.null_mean == pytest.approx(fast.null_mean, abs=0.02)
    for one, other in zip(slow.groups, fast.groups):
        assert one.interval.high == pytest.approx(other.interval.high, abs=0.04)


def test_groups_without_a_difference_are_compatible_with_the_floor_and_not_with_zero() -> None:
    p_values, groups = [], np.tile(list("abcdef"), 40)
    for seed in range(90):
        gap = group_gap(rng(seed).normal(size=240), groups, rng=rng(seed + 1), **QUICK)
        p_values.append(gap.p_value)
        assert gap.interval.low > 0
    assert np.mean(np.array(p_values) <= 0.05) <= 0.11
    assert 0.4 < np.mean(p_values) < 0.6
    assert gap.excess == gap.value - gap.null_mean


def test_planted_gaps_are_recovered() -> None:
    groups = np.repeat(["A", "B"], 300)
    gaps = []
    for seed in range(60):
        selected = rng(seed).random(600) < np.where(groups == "A", 0.7, 0.4)
        gaps.append(group_gap(selected, groups, rng=rng(seed), **QUICK))
    assert np.mean([gap.interval.contains(0.3) for gap in gaps]) >= 0.88
    assert all(gap.p_value < 0.01 and gap.worst_group == "B" for gap in gaps)


def test_speaker_effects_alone_are_not_taken_for_a_group_gap() -> None:
    # 10 speakers in each group, 50 rows each: permuting rows finds "gaps" that are speakers.
    speakers = np.repeat(np.arange(20), 50)
    false_alarms = {"rows": 0, "speakers": 0}
    for seed in range(40):
        values = rng(seed).normal(size=20)[speakers] + rng(seed + 99).normal(size=1000)
        for unit, clusters in (("rows", None), ("speakers", speakers)):
            gap = group_gap(values, speakers < 10, clusters=clusters, rng=rng(seed), **QUICK)
            false_alarms[unit] += gap.p_value <= 0.05
    assert false_alarms["rows"] > 20
    assert false_alarms["speakers"] <= 6


def test_pairing_by_template_finds_a_small_gap() -> None:
    template = np.tile(np.arange(50), 2)
    group = np.repeat(["a", "b"], 50)
    values = 10 * rng().normal(size=50)[template] + (group == "b") + rng(1).normal(size=100)
    assert group_gap(values, group, clusters=template, rng=rng(), **QUICK).p_value < 0.01
    assert group_gap(values, group, rng=rng(), **QUICK).p_value > 0.2


def test_group_intervals_are_exact_for_shares_and_ratios_for_ratios() -> None:
    hits, groups = np.tile([1, 0, 1, 1], 20), np.repeat(["a", "b"], 40)
    gap = group_gap(hits, groups, rng=rng(), **QUICK)
    assert gap.groups[0].interval == clopper_pearson(30, 40)
    words = rng().integers(5, 10, 80)
    errors = rng(1).integers(0, 4, 80)
    gap = group_gap(errors, groups, denominators=words, rng=rng(), **QUICK)
    expected = ratio_interval(errors[:40], words[:40], rng=rng())
    assert gap.groups[0].interval.low == pytest.approx(expected.low, abs=0.02)


def test_a_gap_of_areas_under_the_curve() -> None:
    groups = np.repeat(["a", "b"], 60)
    labels = rng().integers(0, 2, 120)
    scores = rng(1).normal(size=120) + 2 * labels * (groups == "a")
    gap = group_gap(np.stack([scores, labels], axis=1), groups, weighted_auc, rng=rng(), **QUICK)
    areas = [roc_auc(scores[groups == g], labels[groups == g]) for g in "ab"]
    assert [group.value for group in gap.groups] == pytest.approx(areas)
    assert gap.p_value < 0.05


def test_small_groups_are_listed_and_left_out() -> None:
    values, groups = np.append(rng().normal(size=80), 1000), [*("ab" * 40), "c"]
    gap = group_gap(values, groups, rng=rng(), **QUICK)
    assert gap.value < 10
    assert gap.groups[2].reason == "fewer than 30 samples"
    assert math.isnan(gap.groups[2].value)
    assert gap.groups[2].n == 1


def test_a_gap_needs_two_groups() -> None:
    for values, groups in (([], []), (np.ones(50), ["a"] * 50)):
        gap = group_gap(values, groups, rng=rng(), **QUICK)
        assert math.isnan(gap.value)
        assert gap.reason == "fewer than two groups to compare"
        assert gap.worst_group is None


def test_a_group_of_one_speaker_has_a_value_but_no_interval() -> None:
    speakers = np.repeat([0, 1, 2], 30)
    gap = group_gap(rng().normal(size=90), speakers > 0, clusters=speakers, rng=rng(), **QUICK)
    assert not math.isnan(gap.value)
    assert not gap.interval.is_defined
    assert gap.groups[0].n_units == 1


def test_values_that_are_not_finite_leave_no_gap() -> None:
    values = np.append(np.zeros(79), math.nan)
    assert group_gap(values, ["a", "b"] * 40, rng=rng()).reason == "not all values are finite"


def test_intersectional_groups_are_tuples() -> None:
    groups = [("f", "old"), ("m", "old")] * 30
    gap = group_gap(np.tile([0, 1], 30), groups, rng=rng(), **QUICK)
    assert gap.worst_group == "('f', 'old')"


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="one label"):
        group_gap([1.0, 2.0], ["a"], rng=rng())


def test_values_alone_are_those_of_metric_frame():
    draw = rng(3)
    values, groups = draw.normal(size=90), draw.choice(list("ABC"), size=90)
    rows, _ = make_grouped_rows(values, groups, "mean", None, None)
    with only_values():
        alone = rows.points()
    assert alone == pytest.approx(rows.points(), abs=1e-12)
