"""Average precision of weighted rankings against scikit-learn's, with ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from evalsuite.zero_shot import average_precisions


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_of_repeated_inputs_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 9, 30).astype(float) if seed % 2 else rng.normal(size=30)
    is_positive = rng.random(30) < 0.3
    counts = rng.multinomial(30, np.full(30, 1 / 30), size=10).astype(float)
    expected = []
    for row in counts.astype(int):
        labels = np.repeat(is_positive, row)
        few = not labels.any()
        expected.append(np.nan if few else average_precision_score(labels, np.repeat(scores, row)))
    found = average_precisions(scores, is_positive, counts)
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)
