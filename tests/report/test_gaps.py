"""Gaps between groups: which are shown, and how they are adjusted."""

from __future__ import annotations

from evalsuite.metric import Estimate, Null
from evalsuite.report.gaps import gaps
from evalsuite.store import JobResult

CARD = {"measures": "", "does_not_measure": "", "reference": "", "critique": ""}


def job(probe: str, p_value: float | None, model: str = "one", **changed) -> JobResult:
    """A job with the gap of a rate."""
    facts = {} if p_value is None else {"p_value": p_value}
    gap = Estimate(
        "rate gap", 0.2, 0.1, 0.3, n=60, null=Null(0.05, 0.02, "above"), is_primary=True,
        direction="lower is better", extra={"worst_group": "B", "best_group": "A", **facts},
    )  # fmt: skip
    other = Estimate("log-odds", 1.4, n=60, is_primary=True)
    fields = {"family": "fairness", "label": probe, "estimates": (gap, other), "card": CARD}
    return JobResult(
        f"{model}--{probe}", model, probe, source="s", status="finished", **{**fields, **changed}
    )


def adjusted(section) -> list[str]:
    return [row[-1] for row in section.tables[0].rows]


def test_gaps_are_adjusted_for_how_many_a_model_has():
    # .01 and .04 of two: .02 and .04; alone .01 stays
    (section,) = gaps([job("a", 0.01), job("b", 0.04), job("a", 0.01, model="two")])
    assert adjusted(section) == ["0.020", "0.040", "0.010"]
    assert section.tables[0].rows[0][6:8] == ("B", "A")


def test_a_gap_without_a_p_value_is_no_comparison():
    (section,) = gaps([job("a", 0.01), job("b", None)])
    assert adjusted(section) == ["0.010", "n/a"]


def test_only_gaps_of_fairness_on_unchanged_data_are_shown():
    variant = job("c", 0.1, variant={"variant": "audio/babble"})
    (section,) = gaps([job("a", 0.01), job("b", 0.1), variant, job("d", 0.1, family="task")])
    assert [row[1] for row in section.tables[0].rows] == ["a", "b"]
    assert {row[2] for row in section.tables[0].rows} == {"rate gap"}
    (chart,) = section.charts
    assert "one · a" in chart.svg


def test_a_single_gap_needs_no_table_of_all():
    assert gaps([job("a", 0.01)]) == []
