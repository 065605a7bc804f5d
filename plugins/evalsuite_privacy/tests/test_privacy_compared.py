"""Membership probes compared: areas of resampled samples without a table for each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Table
from evalsuite.statistics import only_values
from evalsuite_privacy.membership.estimates import MembershipMetrics

ATTACKS = ("loss", "min_k", "silent")
METRIC = MembershipMetrics(ATTACKS)


def table(n: int = 120, shift: float = 0.0) -> Table:
    """Half members; one attack lacks a score here and there, one everywhere, some rows no guard."""
    rng = np.random.default_rng(0)
    member = np.arange(n) % 2 == 0
    records = [
        {
            "member": bool(is_member),
            "blind": None if i % 13 == 0 else float(rng.normal() + shift * is_member),
            "loss": float(np.round(rng.normal() + 0.7 * is_member, 1)),
            "min_k": None if i % 7 == 0 else float(rng.normal() + 0.8 * is_member),
            "silent": None,
            "document": f"d{i // 3}",
        }
        for i, is_member in enumerate(member)
    ]
    return Table.from_records(records)


def plain(metric: MembershipMetrics, some: Table) -> dict[tuple[str, str], float]:
    """The estimates that a comparison asks for, each computed from the table."""
    with only_values():
        found = metric.estimate(some, np.random.default_rng(1))
    return {(e.metric, e.slice): e.value for e in found if not math.isnan(e.value)}


def said(counted, counts: np.ndarray) -> dict[tuple[str, str], float]:
    values = dict(zip(counted.keys, counted.score(counted.columns, counts)[0], strict=True))
    return {key: value for key, value in values.items() if not math.isnan(value)}


def test_counts_give_every_estimate_of_a_comparison():
    some = table()
    assert said(METRIC.counted(some), np.ones((1, some.n))) == pytest.approx(plain(METRIC, some))


def test_counts_give_the_estimates_of_samples_drawn_several_times():
    some, rng = table(), np.random.default_rng(2)
    counted, strongest = METRIC.counted(some), set()
    for _ in range(20):
        rows = rng.integers(some.n, size=some.n)
        drawn = Table({name: c[rows] for name, c in some.columns.items()}, some.n)
        found = said(counted, np.bincount(rows, minlength=some.n)[None].astype(float))
        assert found == pytest.approx(plain(METRIC, drawn))
        strongest.add(found["attack AUC", "attack=loss"] > found["attack AUC", "attack=min_k"])
    assert strongest == {True, False}  # both attacks were the strongest at times


def test_a_worthless_split_has_no_leak_however_it_is_counted():
    some = table(shift=3.0)
    estimates = {(e.metric, e.slice): e for e in METRIC.estimate(some, np.random.default_rng(0))}
    assert math.isnan(estimates["leak beyond inputs", ""].value)
    # A comparison takes a count's word only where it is the stored estimate's, which is NaN here.
    assert not math.isnan(METRIC.counted(some).values[1])


def test_without_two_classes_there_is_nothing_to_count():
    members = table().where(table().numbers("member") == 1)
    assert METRIC.counted(members) is None


def test_a_comparison_draws_documents_whole():
    assert MembershipMetrics(ATTACKS, "document").clusters == "document"
    assert METRIC.clusters is None
