from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import evalsuite.statistics as statistics
from evalsuite.statistics.units import codes_of, make_units, resampled_counts


def test_labels_are_numbered_in_sorted_order() -> None:
    codes, names = codes_of(["b", "a", "b"])
    assert (codes.tolist(), names) == ([1, 0, 1], ["a", "b"])


def test_labels_of_several_types_still_have_an_order() -> None:
    assert codes_of(["x", 2, 1])[1] == [1, 2, "x"]


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_labels_are_refused(missing) -> None:
    with pytest.raises(ValueError, match="missing"):
        codes_of(["a", missing])


def test_every_draw_keeps_the_number_of_units_of_each_stratum() -> None:
    units = make_units(6, clusters=[1, 1, 2, 3, 4, 4], strata=list("aabbbb"))
    counts = resampled_counts(units, 50, np.random.default_rng(0))
    assert (counts[:, units.stratum == 0].sum(axis=1) == 1).all()
    assert (counts[:, units.stratum == 1].sum(axis=1) == 3).all()


def test_exports_are_sorted_and_real() -> None:
    assert list(statistics.__all__) == sorted(statistics.__all__)
    assert all(hasattr(statistics, name) for name in statistics.__all__)


def test_importing_statistics_loads_no_model_or_table_library() -> None:
    code = (
        "import sys, evalsuite.statistics;"
        "print([m for m in ('torch', 'pandas', 'fairlearn', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
