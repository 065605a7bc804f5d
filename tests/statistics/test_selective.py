from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.statistics import (
    accuracy_at_coverage,
    area_under_risk_coverage,
    least_area_under_risk_coverage,
    risk_coverage,
)

TEN = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.55, 0.52, 0.3, 0.2]
RIGHT = [1, 1, 0, 1, 1, 0, 1, 0, 0, 0]
answers = st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.booleans()), min_size=1)


def test_area_of_ten_answers() -> None:
    # Errors among the first k: 0 0 1 1 1 2 2 3 4 5; (1/3+1/4+1/5+2/6+2/7+3/8+4/9+5/10)/10
    assert area_under_risk_coverage(TEN, RIGHT) == pytest.approx(0.272183, abs=1e-6)
    # Errors last: (1/6 + 2/7 + 3/8 + 4/9 + 5/10)/10
    assert least_area_under_risk_coverage(RIGHT) == pytest.approx(0.177183, abs=1e-6)


def test_accuracy_of_the_surer_half() -> None:
    assert accuracy_at_coverage(TEN, RIGHT, 0.5) == pytest.approx(0.8)
    assert accuracy_at_coverage([0.9] * 100, [1] * 100, 0.07) == 1


def test_ties_are_the_mean_over_their_orders() -> None:
    # Two tied answers, one wrong: either order is as likely, so half an error after the first.
    assert risk_coverage([0.5, 0.5], [1, 0])[1].tolist() == [0.5, 0.5]


@given(answers, st.randoms())
def test_order_does_not_matter(rows, random) -> None:
    shuffled = random.sample(rows, len(rows))
    areas = [area_under_risk_coverage(*np.array(r, dtype=float).T) for r in (rows, shuffled)]
    assert areas[0] == pytest.approx(areas[1])


@given(answers)
def test_confidences_that_say_nothing_have_the_error_rate(rows) -> None:
    hits = np.array([hit for _, hit in rows], dtype=float)
    area = area_under_risk_coverage(np.full(len(hits), 0.7), hits)
    assert area == pytest.approx(1 - hits.mean())
    assert least_area_under_risk_coverage(hits) <= area + 1e-12


def test_nothing_to_order_is_undefined() -> None:
    assert math.isnan(area_under_risk_coverage([], []))
    assert math.isnan(accuracy_at_coverage([math.nan], [1], 0.5))
    with pytest.raises(ValueError, match="coverage"):
        accuracy_at_coverage([0.5], [1], 0)
