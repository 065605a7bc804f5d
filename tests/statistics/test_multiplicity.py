from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from evalsuite.statistics.multiplicity import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_holm_of_four_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, then the running maximum.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_of_four_by_hand() -> None:
    # Sorted times 4/1 4/2 4/3 4/4 = .02 .02 .04 .04.
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@given(p_values)
def test_benjamini_hochberg_agrees_with_scipy(raw) -> None:
    assert benjamini_hochberg(raw) == pytest.approx(false_discovery_control(raw))


@given(p_values)
def test_holm_matches_the_definition_and_is_the_stricter(raw) -> None:
    ascending = sorted(raw)
    for p, adjusted in zip(raw, holm(raw)):
        place = ascending.index(p)
        candidates = [(len(raw) - j) * ascending[j] for j in range(place + 1)]
        assert adjusted == pytest.approx(min(1.0, max(candidates)))
    assert np.all(holm(raw) >= benjamini_hochberg(raw) - 1e-12)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_an_undefined_p_is_no_question(adjust) -> None:
    adjusted = adjust([0.01, np.nan, 0.02])
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]] == pytest.approx(adjust([0.01, 0.02]))
    assert adjust([]).size == 0


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_a_p_beyond_one_is_refused(adjust) -> None:
    with pytest.raises(ValueError):
        adjust([1.2])
