"""What metrics say of their sums is what they estimate, in the whole, in slices and in groups."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import GroupGap, GroupRatioGap, Mean, Proportion, Ratio, Table
from evalsuite.captions import CaptionBleu
from evalsuite.classification.agreement import Accuracy, MacroF1, MatthewsCorrelation
from evalsuite.classification.agreement import BalancedAccuracy as AgreedBalance
from evalsuite.classification.recall import BalancedAccuracy
from evalsuite.statistics import bootstrap_interval, group_gap, only_values, permutation_null
from evalsuite.statistics import totals_distribution as totals
from evalsuite.wordings import Wordings
from evalsuite.zero_shot.metrics import MeanPerClassRecall


def table(n: int = 200) -> Table:
    rng = np.random.default_rng(0)
    records = [
        {
            "score": None if i % 17 == 0 else float(rng.normal()),
            "hit": float(rng.random() < 0.6),
            "wrong": float(rng.poisson(2)),
            "words": float(rng.poisson(9)),
            "group": "abcd"[min(3, int(rng.integers(7)) // 2)],
            "correct": float(rng.random() < 0.5),
            "target": "xyz"[int(rng.integers(3))],
            "predicted": "xyzw"[int(rng.integers(4))],
            "outcome_of_wording_0": None if i % 11 == 0 else float(rng.random() < 0.5),
            "outcome_of_wording_1": float(rng.random() < 0.6),
        }
        for i in range(n)
    ]
    return Table.from_records(records)


METRICS = [
    Mean("score", name="mean", by="group"),
    Proportion("hit", name="share", by="group"),
    Ratio("wrong", "words", name="ratio", by="group"),
    GroupGap("score", "group", name="score gap", min_group_size=30),
    GroupRatioGap("wrong", "words", "group", name="ratio gap", min_group_size=30),
    BalancedAccuracy(by="group"),
    MeanPerClassRecall(),
    Wordings(2),
    *(made() for made in (Accuracy, AgreedBalance, MacroF1, MatthewsCorrelation)),
]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_sums_give_every_estimate(metric):
    rng = np.random.default_rng(1)
    estimates = {(e.metric, e.slice): e.value for e in metric.estimate(table(), rng)}
    defined = {key: value for key, value in estimates.items() if not math.isnan(value)}
    sums = {(s.metric, s.slice): s.value for s in metric.summed(table())}
    assert sums == pytest.approx(defined)
    assert sums


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_only_values_leaves_them_as_they_are(metric):
    with only_values():
        alone = metric.estimate(table(), np.random.default_rng(1))
    whole = metric.estimate(table(), np.random.default_rng(1))
    assert [e.value for e in alone] == pytest.approx([e.value for e in whole], nan_ok=True)


def test_a_caption_metric_says_its_sums():
    bleu = CaptionBleu(name="BLEU")
    assert hasattr(bleu, "summed")


def test_inside_only_values_nothing_is_drawn():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    values = np.arange(20.0)
    with only_values():
        assert not bootstrap_interval(values, rng=rng).is_defined
        assert totals(values[:, None], lambda t: t[:, 0], rng=rng).observed == 190
        null = permutation_null(lambda v, g: 0.0, values, [0, 1] * 10, rng=rng)
        assert null.samples.size == 0
        gap = group_gap(values, [0, 1] * 10, rng=rng, min_group_size=5)
    assert gap.value == 1.0
    assert rng.bit_generator.state == before
    assert bootstrap_interval(values, rng=rng).is_defined
