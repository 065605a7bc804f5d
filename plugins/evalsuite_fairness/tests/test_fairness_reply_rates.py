"""A metric behind the guard against silent models stays as fast to resample as without it."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import GroupGap, Mean, Table
from evalsuite_fairness.metrics.reply_rates import IfAnswered

GAP = GroupGap("score", "group", name="gap", clusters="speaker", primary=True)


def table(silent: float) -> Table:
    rng = np.random.default_rng(0)
    return Table.from_records(
        [
            {
                "score": float(rng.normal() + (n % 2)),
                "group": "ab"[n % 2],
                "speaker": f"s{n // 4}",
                "silent": silent,
            }
            for n in range(120)
        ]
    )


def test_its_sums_give_its_estimates():
    guarded = IfAnswered(GAP, "silent")
    stored = {
        (e.metric, e.slice): e.value for e in guarded.estimate(table(0.0), np.random.default_rng(0))
    }
    sums = {(s.metric, s.slice): s.value for s in guarded.summed(table(0.0))}
    assert sums
    assert sums == pytest.approx({key: stored[key] for key in sums}, abs=1e-9)
    assert guarded.clusters == "speaker"


def test_a_metric_that_does_not_say_has_no_sums():
    class Plain:
        name = "plain"

    assert list(IfAnswered(Plain(), "silent").summed(table(0.0))) == []
    assert IfAnswered(Mean("score", name="m"), "silent").clusters is None


def test_a_silent_model_has_no_figure():
    (found,) = IfAnswered(GAP, "silent").estimate(table(1.0), np.random.default_rng(0))
    assert np.isnan(found.value)
