"""What follows from how often samples occur is compared as if it were computed anew, and faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from compare.written_runs import Written, scored, use_metrics, write_run

from evalsuite import Counted, Estimate, Table
from evalsuite.compare import compare
from evalsuite.compare.recomputed import counts_of
from evalsuite.statistics import roc_auc, weighted_auc


@dataclass(frozen=True)
class Area:
    """How well the score tells samples of kind ``b``."""

    clusters: str = ""
    name: str = "area"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        del rng
        value = roc_auc(table.numbers("score"), table["kind"] == "b")
        return [Estimate(self.name, value, value - 0.1, value + 0.1, n=table.n, is_primary=True)]


class CountedArea(Area):
    """The same, said in counts."""

    def counted(self, table: Table) -> Counted:
        columns = np.stack([table.numbers("score"), table["kind"] == "b"], axis=1)
        return Counted(((self.name, ""),), columns, lambda c, n: weighted_auc(c, n)[:, None])


def jobs(n: int = 60) -> list[Written]:
    first, second = (scored(np.random.default_rng(seed), n) for seed in (1, 2))
    for row in second:
        row["score"] += 0.8 * (row["kind"] == "b")
    second[7:9] = [None, None]
    return [Written("m:a", first), Written("m:b", second)]


@pytest.mark.parametrize("clusters", ["", "speaker"])
def test_counts_give_the_difference_of_tables_drawn_anew(tmp_path, monkeypatch, clusters):
    found = []
    for metric in (Area(clusters), CountedArea(clusters)):
        use_metrics(monkeypatch, metric)
        run = write_run(tmp_path / type(metric).__name__, *jobs(), metrics=(metric,))
        comparison = compare([run], refits=50)
        found.append(next(comparison.of("probe", "area")))
    plain, counted = found
    assert counted.method == plain.method == "paired bootstrap, 50 times anew (expanded bootstrap)"
    assert (counted.n, counted.n_units) == (58, 15 if clusters else 58)
    for name in ("value", "low", "high", "p_value", "minimum_detectable"):
        assert getattr(counted, name) == pytest.approx(getattr(plain, name), abs=1e-12)


def test_a_metric_whose_columns_were_not_stored_says_nothing_in_counts():
    assert counts_of(CountedArea(), Table.from_records([{"score": 1.0}])) == {}
