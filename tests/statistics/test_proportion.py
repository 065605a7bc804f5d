from __future__ import annotations

import numpy as np
import pytest

from evalsuite.statistics.interval import clopper_pearson
from evalsuite.statistics.proportion import proportion_interval


def test_independent_rows_get_the_exact_interval() -> None:
    assert proportion_interval([True, False, True]) == clopper_pearson(2, 3)


def test_clusters_of_one_row_are_independent_rows() -> None:
    assert proportion_interval([1, 0, 1], clusters=["a", "b", "c"]) == clopper_pearson(2, 3)


@pytest.mark.parametrize("value", [0, 1])
def test_clusters_that_all_agree_count_as_one_trial_each(value) -> None:
    interval = proportion_interval([value] * 6, clusters=[1, 1, 1, 2, 2, 3])
    assert interval == clopper_pearson(3 * value, 3)


def test_one_cluster_says_nothing_about_others() -> None:
    assert proportion_interval([1, 0], clusters=["a", "a"]).reason is not None


def test_no_rows_have_no_interval() -> None:
    assert proportion_interval([]).reason == "no trials"


def test_clustered_rows_need_a_generator() -> None:
    with pytest.raises(ValueError, match="rng"):
        proportion_interval([1, 0, 1, 1], clusters=[1, 1, 2, 2])


def test_correlated_rows_widen_the_interval() -> None:
    hits = np.repeat(np.random.default_rng(0).integers(0, 2, size=30), 10)
    clustered = proportion_interval(
        hits, clusters=np.repeat(np.arange(30), 10), rng=np.random.default_rng(0)
    )
    assert clustered.width > 2 * proportion_interval(hits).width


def test_shares_other_than_zero_and_one_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        proportion_interval([0.5, 1.0])
