"""Planned studies find what they were planned to find."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from evalsuite.statistics import (
    PairedMeans,
    PairedProportions,
    UnpairedMeans,
    UnpairedProportions,
    detectable_with,
    mcnemar_exact,
    minimum_detectable,
    units_for,
    units_needed,
)
from evalsuite.statistics.power import _largest_rejected

STUDIES = 4000


def test_cohens_tables():
    # Cohen 1988, Table 2.4.1: d = .50, power .80, two-sided .05: 64 of each; paired d_z = .5: 34
    assert units_for(UnpairedMeans(1.0), 0.5) == 64
    assert units_for(PairedMeans(1.0), 0.5) == 34


def test_fleiss_two_proportions():
    # z = 1.95996 and .84162: (z√(2·.65·.35) + z_β√(.6·.4 + .7·.3))² / .1² = 355.9
    assert units_for(UnpairedProportions(0.6), 0.1) == 356


def test_half_the_effect_takes_four_times_the_samples():
    assert minimum_detectable(0.1) == pytest.approx(0.280158, abs=1e-5)  # 1.959964 + .841621
    assert units_needed(0.280158, 0.1, 100) in (100, 101)
    assert units_needed(0.140079, 0.1, 100) in (400, 401)
    assert math.isnan(units_needed(0.0, 0.1, 100))
    assert math.isnan(units_needed(0.1, math.nan, 100))


def test_paired_means_have_the_power_they_are_planned_for():
    n = int(units_for(PairedMeans(2.0), 0.7))
    draws = np.random.default_rng(0).normal(0.7, 2.0, (STUDIES, n))
    assert np.mean(ttest_1samp(draws, 0, axis=1).pvalue <= 0.05) == pytest.approx(0.8, abs=0.02)


def test_unpaired_means_have_the_power_they_are_planned_for():
    rng, n = np.random.default_rng(1), int(units_for(UnpairedMeans(1.0), 0.4, power=0.9))
    draws = ttest_ind(rng.normal(0, 1, (STUDIES, n)), rng.normal(0.4, 1, (STUDIES, n)), axis=1)
    assert np.mean(draws.pvalue <= 0.05) == pytest.approx(0.9, abs=0.02)


def test_paired_proportions_have_the_power_they_are_planned_for():
    rng, n = np.random.default_rng(2), int(units_for(PairedProportions(0.3), 0.1))
    counts = rng.multinomial(n, [0.2, 0.1, 0.7], size=STUDIES)
    found = [mcnemar_exact(b, c) <= 0.05 for b, c, _ in counts.tolist()]
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)


def test_unpaired_proportions_have_the_power_they_are_planned_for():
    rng, n = np.random.default_rng(3), int(units_for(UnpairedProportions(0.8), 0.05))
    first, second = rng.binomial(n, 0.8, STUDIES) / n, rng.binomial(n, 0.85, STUDIES) / n
    pooled = (first + second) / 2
    z = (second - first) / np.sqrt(2 * pooled * (1 - pooled) / n)
    assert np.mean(np.abs(z) >= 1.959964) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    "design",
    [PairedMeans(1.5), UnpairedMeans(0.3), PairedProportions(0.2), UnpairedProportions(0.7)],
    ids=lambda design: type(design).__name__,
)
def test_n_and_the_detectable_difference_are_inverse(design):
    n = int(units_for(design, 0.1))
    assert detectable_with(design, n) == pytest.approx(0.1, rel=0.02)


def test_no_number_of_pairs_finds_more_than_the_discordance():
    assert math.isnan(units_for(PairedProportions(0.1), 0.2))
    assert math.isnan(detectable_with(PairedProportions(0.1), 20))
    with pytest.raises(ValueError, match="two units"):
        detectable_with(PairedMeans(1.0), 1)


def test_the_critical_count_is_that_of_the_exact_test():
    for m in [*range(40), 200, 1001]:
        rejected = [k for k in range((m + 1) // 2) if mcnemar_exact(k, m - k) <= 0.05]
        assert _largest_rejected(np.array([m]), 0.05)[0] == max(rejected, default=-1)
