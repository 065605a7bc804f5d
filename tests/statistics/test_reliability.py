from __future__ import annotations

import numpy as np
import pytest

from evalsuite.statistics import expected_calibration_error, reliability_bins


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_bins_by_hand() -> None:
    # (0, .5]: .2 and .4, one right; (.5, 1]: .9 and .9, one right
    found = reliability_bins([0.2, 0.4, 0.9, 0.9], [0, 1, 1, 0], rng=rng(), bins=2)
    assert found.counts.tolist() == [2, 2]
    assert found.confidence == pytest.approx([0.3, 0.9])
    assert found.accuracy == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_the_error_is_the_mean_distance_of_the_bins(binning) -> None:
    confidence = rng(1).uniform(0.2, 1, 200)
    hits = rng(2).random(200) < confidence**2
    found = reliability_bins(confidence, hits, rng=rng(), binning=binning)
    distance = np.abs(found.accuracy - found.confidence) @ found.counts / 200
    assert distance == pytest.approx(expected_calibration_error(confidence, hits, binning=binning))


def test_the_band_holds_a_perfect_model_and_not_an_overconfident_one() -> None:
    confidence = rng(3).uniform(0.5, 1, 2000)
    perfect = reliability_bins(confidence, rng(4).random(2000) < confidence, rng=rng())
    too_sure = reliability_bins(confidence, rng(4).random(2000) < confidence - 0.2, rng=rng())
    inside = (perfect.low <= perfect.accuracy) & (perfect.accuracy <= perfect.high)
    assert inside.mean() >= 0.8
    assert (too_sure.accuracy < too_sure.low).all()


def test_empty_bins_are_left_out() -> None:
    assert len(reliability_bins([0.95, 0.99], [1, 1], rng=rng()).counts) == 1
    assert len(reliability_bins([], [], rng=rng()).counts) == 0
