"""Calibration of records: silent on confidences that come true, loud on others, by group too."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Table
from evalsuite.classification import CalibrationError, CalibrationErrorGap, SelectiveRisk
from evalsuite.statistics import expected_calibration_error


def rng(seed=0):
    return np.random.default_rng(seed)


def table(n=1200, off=0.0, group_off=0.0):
    """Confidences in [.5, 1]; right as often as they say, less ``off``; group B less still."""
    draw = rng(1)
    confidence = draw.uniform(0.5, 1, n)
    group = np.where(np.arange(n) % 2 == 0, "A", "B")
    true = confidence - off - np.where(group == "B", group_off, 0.0)
    columns = {"confidence": confidence, "correct": (draw.random(n) < true).astype(float)}
    return Table({**columns, "group": group.astype(object)}, n)


@pytest.mark.parametrize("binning", ["mass", "width"])
def test_the_error_rises_beyond_its_null_only_where_confidences_are_wrong(binning):
    metric = CalibrationError(bins=10, binning=binning)
    (clean,) = metric.estimate(table(), rng())
    (planted,) = metric.estimate(table(off=0.15), rng())
    assert clean.verdict == "compatible with null"
    assert clean.extra["p_value"] > 0.05
    assert planted.verdict == "differs from null"
    assert planted.value == pytest.approx(0.15, abs=0.03)
    assert 0 < planted.extra["excess_over_null"] < planted.value


def test_conventions_are_declared_and_used():
    found = CalibrationError(bins=10, binning="width", closed="left").estimate(table(), rng())[0]
    columns = table().columns
    expected = expected_calibration_error(columns["confidence"], columns["correct"], closed="left")
    assert found.value == pytest.approx(expected)
    assert (found.extra["binning"], found.extra["closed"]) == ("width", "left")


def test_groups_have_errors_of_their_own_and_a_gap_beyond_permuted_groups():
    errors = CalibrationError(bins=10, by="group").estimate(table(group_off=0.2), rng())
    assert [e.slice for e in errors] == ["", "group=A", "group=B"]
    assert errors[2].value > errors[1].value + 0.1
    (clean,) = CalibrationErrorGap().estimate(table(), rng())
    (planted,) = CalibrationErrorGap().estimate(table(group_off=0.2), rng())
    assert clean.verdict == "compatible with null"
    assert planted.verdict == "differs from null"
    assert planted.extra["worst_group"] == "B"


def test_a_gap_needs_groups():
    records = table()
    (found,) = CalibrationErrorGap().estimate(
        Table({k: v for k, v in records.columns.items() if k != "group"}, records.n), rng()
    )
    assert math.isnan(found.value)
    assert "group" in found.reason


def test_the_surest_answers_are_right_more_often_only_where_confidence_means_something():
    area, half, most = SelectiveRisk().estimate(table(), rng())
    assert area.verdict == half.verdict == "differs from null"
    assert half.value > most.value
    assert area.value >= area.extra["least"]
    shuffled = table()
    shuffled.columns["confidence"][:] = rng(3).permutation(shuffled.columns["confidence"])
    (silent, *_) = SelectiveRisk().estimate(shuffled, rng())
    assert silent.verdict == "compatible with null"
